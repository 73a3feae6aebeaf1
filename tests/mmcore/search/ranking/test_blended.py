import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmcore.search.ranking.blended import Column, best_first, convex, ranks, rrf, union
from mmcore.search.ranking.lists import WORDS, Listed
from mmcore.search.ranking.ranked import Ranked

NAN = float("nan")


def column(by, scores, weight=1.0, places=None):
    """A list's column: scores, and the places in the list."""
    scores = np.array(scores, dtype=np.float64)
    places = np.zeros(len(scores)) if places is None else places
    none = np.full(len(scores), -1, dtype=np.int64)
    return Column(by, scores, none, np.array(places, dtype=np.int64), weight)


def test_the_mean_is_over_the_lists_that_have_the_item():
    """1/3 of 3 and 2/3 of 0 is 1; the picture alone counts whole; nothing at all counts 0."""
    columns = [column("image", [3, 3, NAN], 1.0), column("text", [0, NAN, NAN], 2.0)]

    assert convex(columns).tolist() == [3.0, 9.0, 0.0]  # times the weights, 3


def test_words_have_their_share_of_every_item():
    """.75 · 4, and .75 · 0 + .25 · 8: an item without a vector is a usual one."""
    columns = [column("fused", [4, NAN], 0.75), column(WORDS, [0, 8], 0.25)]

    assert convex(columns).tolist() == [3.0, 2.0]


def test_words_alone_are_their_scores():
    """There is no vector to blend them with."""
    assert convex([column(WORDS, [2, 1], 1.0)]).tolist() == [2.0, 1.0]


def test_reciprocal_ranks_are_added_where_an_item_was_found():
    """1/61 + 1/62 against 1/61: what a list did not find adds nothing."""
    columns = [column("image", [9, 8], places=[1, 0]), column("text", [1, 2], places=[2, 1])]

    assert rrf(columns) == pytest.approx([1 / 61 + 1 / 62, 1 / 61])


def test_ranks_are_places_in_the_list():
    """From 1 on; 0 for what it has not."""
    lists = [
        Listed.of("image", np.array([7, 3]), np.array([0.9, 0.8])),
        Listed.of("text", np.array([5]), np.array([0.1])),
    ]
    items = union(lists)

    assert items.tolist() == [3, 5, 7]
    assert ranks(lists[0], items).tolist() == [2, 0, 1]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=8))
def test_equal_scores_come_by_smaller_id(rows):
    """By whatever method, and however many lists."""
    items = np.arange(len(rows)) * 10
    columns = [
        column(by, [row[n] for row in rows], places=[1] * len(rows))
        for n, by in enumerate(("image", "text"))
    ]
    for method in ("convex", "rrf"):
        found = Ranked.of(items, columns, method)
        pairs = [*zip((-found.scores).tolist(), found.items.tolist(), strict=True)]
        assert pairs == sorted(pairs)


def test_a_lone_list_keeps_its_scores():
    """There is nothing to make it comparable with."""
    found = Ranked.of(np.array([1, 2]), [column("image", [0.2, 0.4])], "rrf")

    assert (found.items.tolist(), found.scores.tolist()) == ([2, 1], [0.4, 0.2])


def test_what_is_taken_takes_its_columns_along():
    """Scores, segments and places stay those of their item."""
    found = Ranked.of(
        np.array([1, 2, 3]), [column("image", [1, 3, 2], places=[3, 1, 2])], "convex"
    )
    some = found.take(slice(1, 3))

    assert some.items.tolist() == [3, 1]
    assert some.columns[0].scores.tolist() == [2, 1]
    assert some.columns[0].ranks.tolist() == [2, 3]
    assert best_first(np.array([4, 2]), np.array([1.0, 1.0])).tolist() == [1, 0]
