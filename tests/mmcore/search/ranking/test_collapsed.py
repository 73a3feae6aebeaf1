import numpy as np
import pytest

from mmcore.search.ranking.collapsed import collapse


def turned(*degrees):
    """Unit vectors in a plane."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def collapsed(items, vectors, least):
    """Which stand, and for how many others."""
    kept, duplicates = collapse(np.array(items), vectors, least)
    return kept.tolist(), duplicates.tolist()


def test_the_best_stands_for_those_nearly_equal_to_it():
    """The first of a group stays, in its place, and counts the others."""
    vectors = turned(0, 90, 1, 180, 91, 2)

    assert collapsed([9, 4, 7, 1, 3, 2], vectors, 0.98) == ([0, 1, 3], [2, 1, 0])


def test_a_chain_is_one_group():
    """Ten degrees apart score 0.985: the ends of a chain are one answer, though they differ."""
    assert collapsed([1, 2, 3, 4], turned(0, 10, 20, 30), 0.98) == ([0], [3])
    assert collapsed([1, 2, 3], turned(0, 30, 20), 0.98) == ([0, 1], [0, 1])


def test_an_item_without_a_vector_is_like_nothing():
    """Two of them are not like each other either."""
    vectors = turned(0, 0, 0, 0)
    vectors[[1, 3]] = 0

    assert collapsed([5, 6, 7, 8], vectors, 0.98) == ([0, 1, 3], [1, 0, 0])


@pytest.mark.parametrize("count", [0, 1])
def test_few_are_kept_as_they_are(count):
    """None, or one."""
    assert collapsed([3] * count, turned(*[0] * count), 0.98) == ([*range(count)], [0] * count)


def test_no_vectors_at_all_collapse_nothing():
    """All are kept."""
    assert collapsed([3, 1], np.zeros((2, 4), np.float32), 0.98) == ([0, 1], [0, 0])


def test_hundreds_of_equal_ones_are_one(rng):
    """However many: none of a crowd is left over."""
    rows = np.repeat(turned(0, 45), 300, axis=0)
    order = rng.permutation(600)

    kept, duplicates = collapse(np.arange(600), rows[order], 0.98)

    assert len(kept) == 2
    assert duplicates.tolist() == [299, 299]
