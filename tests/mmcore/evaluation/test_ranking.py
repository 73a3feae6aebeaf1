import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcore.evaluation import ranking
from mmcore.evaluation.ranking import Gallery, Overrides, rank

NONE = Overrides.of([], [], [])


def ids(*numbers):
    """Ids as an array."""
    return np.array(numbers, dtype=np.int64)


def gallery(items, scores):
    """Rows whose product with the query (1, 0) is their score."""
    vectors = np.array([[s, 0] for s in scores], dtype=np.float32)
    return Gallery.of(np.array(items), np.array([f"c{i}" for i in items]), vectors)


QUERY = np.array([[1, 0]], dtype=np.float32)


def test_an_item_scores_by_its_best_row():
    """Item 2 has rows of 0.1 and 0.9 and comes before item 1 with 0.5."""
    found = rank(QUERY, gallery([2, 1, 2], [0.1, 0.5, 0.9]), [ids(1)], NONE, depth=10)

    assert found.found[0].tolist() == [2, 1]
    assert found.first.tolist() == [2]


def test_ties_go_to_the_smaller_id():
    """Equal scores are ordered by id, at the cut too."""
    found = rank(QUERY, gallery([5, 3, 9, 4], [0.5] * 4), [ids(5)], NONE, depth=2)

    assert found.found[0].tolist() == [3, 4]
    assert found.first.tolist() == [3]


def test_a_row_that_left_the_gallery_is_neither_found_nor_relevant():
    """Item 1 has only the hidden row, item 2 keeps another one."""
    rows = gallery([1, 2, 2], [0.9, 0.8, 0.1])
    hidden = Overrides.of([0, 0], [0, 1], [-np.inf, -np.inf])
    found = rank(QUERY, rows, [ids(1, 2)], hidden, depth=10)

    assert found.found[0].tolist() == [2]
    assert (found.relevant.tolist(), found.hits[0].tolist()) == ([1], [1])
    assert found.expected[0].tolist() == [2]
    assert found.sizes.tolist() == [1]


def test_an_override_can_raise_a_score():
    """A score that is given takes the place of the product."""
    found = rank(
        QUERY, gallery([1, 2], [0.9, 0.1]), [ids(2)], Overrides.of([0], [1], [0.95]), depth=1
    )

    assert found.found[0].tolist() == [2]


def test_relevant_items_outside_the_gallery_do_not_count():
    """An item without the modality cannot be found and is no miss."""
    found = rank(QUERY, gallery([1], [0.5]), [ids(1, 77)], NONE, depth=1)

    assert found.relevant.tolist() == [1]
    assert rank(QUERY, gallery([1], [0.5]), [ids(77)], NONE, depth=1).first.tolist() == [0]


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_blocks_change_nothing(data):
    """Rankings in blocks of few queries equal a sort of all scores, ties included."""
    items = data.draw(st.lists(st.integers(1, 8), min_size=1, max_size=14))
    levels = data.draw(st.lists(st.integers(0, 3), min_size=len(items), max_size=len(items)))
    rows = gallery(items, [level / 4 for level in levels])
    best = {i: max(s / 4 for j, s in zip(items, levels, strict=True) if i == j) for i in items}
    expected = sorted(best, key=lambda item: (-best[item], item))
    target = data.draw(st.sampled_from(items))
    depth = data.draw(st.integers(1, 9))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranking, "_BLOCK_SCORES", 2 * len(items))
        found = rank(np.repeat(QUERY, 3, axis=0), rows, [ids(target)] * 3, NONE, depth=depth)

    place = expected.index(target) + 1
    assert [row.tolist() for row in found.found] == [expected[:depth]] * 3
    assert found.first.tolist() == [place] * 3
    assert [row.tolist() for row in found.hits] == [[place] if place <= depth else []] * 3


def test_an_override_holds_for_its_query_in_every_block(monkeypatch):
    """Each of three queries, in blocks of one, has its own row out of the gallery."""
    monkeypatch.setattr(ranking, "_BLOCK_SCORES", 1)
    rows = gallery([1, 2, 3], [0.9, 0.8, 0.7])
    hidden = Overrides.of([2, 0, 1], [0, 1, 2], [-np.inf] * 3)
    found = rank(np.repeat(QUERY, 3, axis=0), rows, [ids(1)] * 3, hidden, depth=3)

    assert [row.tolist() for row in found.found] == [[1, 3], [1, 2], [2, 3]]
    assert found.first.tolist() == [1, 1, 0]


def test_an_empty_gallery_has_nothing():
    """Nothing is found, and nothing raises."""
    nothing = Gallery.of(ids(), np.zeros(0, dtype="U1"), QUERY[:0])
    found = rank(QUERY, nothing, [ids(1)], NONE, depth=3)

    assert (len(found.found[0]), found.sizes.tolist(), found.first.tolist()) == (0, [0], [0])
