import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mmcore.search.ranking.lists import NO_SEGMENT, Listed

ROWS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.integers(0, 9)))


def listed(rows):
    """The list of rows of an item, a score and a segment."""
    columns = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Listed.of("text", columns[0], columns[1], columns[2])


@given(ROWS)
def test_each_item_comes_once_by_its_best_row(rows):
    """Best first, equal ones by id; of an item's equal rows the smaller segment counts."""
    best = {}
    for item, score, segment in rows:
        best[item] = (
            min(best.get(item, (0, 99)), (-score, segment))
            if item in best
            else (
                -score,
                segment,
            )
        )
    expected = sorted((score, item, segment) for item, (score, segment) in best.items())
    found = listed(rows)

    assert [*zip(-found.scores, found.item_ids, found.segment_ids, strict=True)] == expected


@given(ROWS, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows, random):
    """Whatever brought them."""
    mixed = random.sample(rows, len(rows))

    assert listed(rows).item_ids.tolist() == listed(mixed).item_ids.tolist()
    assert listed(rows).segment_ids.tolist() == listed(mixed).segment_ids.tolist()


def test_items_without_segments_say_so():
    """A list of whole items has none."""
    found = Listed.of("fused", np.array([4, 2]), np.array([0.1, 0.5], dtype=np.float32))

    assert found.segment_ids.tolist() == [NO_SEGMENT, NO_SEGMENT]
    assert found.scores.dtype == np.float64


def test_a_part_of_a_list_keeps_its_order():
    """The first ones, or those of a mask."""
    found = listed([(1, 3, 0), (2, 2, 0), (3, 1, 0)])

    assert found.first(2).item_ids.tolist() == [1, 2]
    assert found.kept(np.array([True, False, True])).item_ids.tolist() == [1, 3]
