import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmcore.search.ranking.diverse import mmr
from tests.factories import unit_vectors


def turned(*degrees):
    """Unit vectors in a plane."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def chosen(scores, vectors, share, k=10, items=None):
    """The positions that are taken, in order."""
    items = np.arange(len(scores)) if items is None else np.array(items)
    return mmr(items, np.array(scores), vectors, share, k).tolist()


def test_no_share_leaves_the_order():
    """0: by score alone, however equal the items are."""
    assert chosen([3.0, 2.0, 1.0], turned(0, 0, 0), 0.0) == [0, 1, 2]


def test_the_next_one_is_unlike_those_before():
    """By hand: likeness 1 of the twin, and less than usual of the other, beats its score."""
    scores, vectors = [1.0, 0.9, 0.0], turned(0, 0, 90)

    # the mean likeness is (1 + 0 + 0) / 3; scaled, the twin has 1, the other -0.5, taken as 0
    # share 0.4: twin 0.6 * 0.9 - 0.4 = 0.14, other 0.6 * 0 - 0 = 0
    assert chosen(scores, vectors, 0.4) == [0, 1, 2]
    # share 0.5: twin 0.5 * 0.9 - 0.5 = -0.05, other 0
    assert chosen(scores, vectors, 0.5) == [0, 2, 1]


def test_a_whole_share_looks_at_likeness_alone():
    """After the best one; of equally unlike ones the better comes first."""
    assert chosen([4.0, 3.0, 2.0, 1.0], turned(0, 1, 90, 180), 1.0) == [0, 3, 2, 1]
    assert chosen([4.0, 3.0, 2.0, 1.0], turned(0, 1, 90, -90), 1.0) == [0, 2, 3, 1]


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_the_scale_of_scores_does_not_matter(scale, rng):
    """They may be cosines, standard deviations or reciprocal ranks."""
    scores, vectors = np.sort(rng.standard_normal(30))[::-1], unit_vectors(30, 8)

    assert chosen(scores * scale + 5, vectors, 0.5) == chosen(scores, vectors, 0.5)


def test_a_space_whose_vectors_are_all_alike_is_diverse_too():
    """Where any two score 0.9 or more, equality is still told from that."""
    narrow = turned(0, 0, 15, -15)
    wide = turned(0, 0, 90, -90)

    assert chosen([1.0, 0.95, 0.9, 0.85], narrow, 0.5, 3) == [0, 2, 3]
    assert chosen([1.0, 0.95, 0.9, 0.85], wide, 0.5, 3) == [0, 2, 3]


def test_an_item_without_a_vector_is_like_nothing():
    """It is not held back, nor does it hold others back."""
    vectors = turned(0, 0, 0)
    vectors[2] = 0

    assert chosen([1.0, 0.9, 0.5], vectors, 0.6) == [0, 2, 1]


def test_equal_scores_go_by_id():
    """Whatever order they are given in."""
    assert chosen([1.0, 1.0, 1.0], np.eye(3, dtype=np.float32), 0.5, items=[7, 3, 5]) == [1, 2, 0]


@given(
    count=st.integers(0, 20),
    k=st.integers(0, 25),
    share=st.floats(0, 1),
    seed=st.integers(0, 5),
)
def test_k_come_each_once_and_the_best_first(count, k, share, seed):
    """As many as there are, up to k; a smaller k gives the beginning of a larger one's."""
    scores = np.sort(np.random.default_rng(seed).standard_normal(count))[::-1]
    vectors = unit_vectors(count, 4, seed)
    found = chosen(scores, vectors, share, k)

    assert len(found) == len(set(found)) == min(k, count)
    assert found[:1] == [0][: len(found)]
    assert chosen(scores, vectors, share, 25)[: len(found)] == found
