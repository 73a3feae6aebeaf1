import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.indexes.choosing.build import build_index
from storage.indexes.searching.refine import Stored, best, merged
from tests.factories import unit_vectors

IDS = np.array([2**62, 5, 70, 9], dtype=np.int64)
ROWS = unit_vectors(4, 3)


def test_rows_of_a_flat_file_are_sorted_by_id():
    """Whatever order a file has its rows in, an id leads to its vector."""
    for ids, rows in ((IDS, ROWS), (np.sort(IDS), ROWS)):
        stored = Stored.of_flat(build_index(ids, rows))

        assert stored.ids.tolist() == sorted(ids.tolist())
        assert np.array_equal(stored.rows(stored.places(ids)), rows)


@pytest.mark.parametrize("read", [False, True])
def test_rows_of_a_flat_file_outlive_it(read):
    """The memory of the vectors stays when the index that had it is gone, a thousand times."""
    content = faiss.serialize_index(build_index(np.sort(IDS), ROWS))
    for _ in range(1000):
        index = faiss.deserialize_index(content) if read else build_index(np.sort(IDS), ROWS)
        stored = Stored.of_flat(index)
        del index
    assert np.array_equal(stored.vectors, ROWS)
    assert isinstance(faiss.index_factory(3, "Flat"), faiss.IndexFlat)  # SWIG still counts right


def test_an_id_that_is_not_there_has_no_place():
    """Unknown ids, below, between and above, have the place -1, which has the id -1."""
    stored = Stored(np.array([5, 9, 70]), ROWS[:3])

    assert stored.places(np.array([[1, 9], [6, 71]])).tolist() == [[-1, 1], [-1, -1]]
    assert stored.named(np.array([-1, 2])).tolist() == [-1, 70]
    empty = Stored(IDS[:0], ROWS[:0])
    assert (empty.places(IDS).tolist(), empty.named(np.array([-1])).tolist()) == ([-1] * 4, [-1])


def test_a_place_beyond_the_rows_is_an_error():
    """Memory beyond the vectors is never read."""
    with pytest.raises(IndexError, match="place 3 of 3"):
        Stored(np.array([5, 9, 70]), ROWS[:3]).products(ROWS[:1], np.array([[0, 3]]))


def test_the_best_are_in_order_and_padded():
    """Of 1, 3 and 2 the best two are 3 and 2; of -inf nothing is told; the rest is -1."""
    scores = np.array([[1, 3, 2], [-np.inf, 4, -np.inf]], np.float32)
    places = np.array([[10, 11, 12], [13, 14, 15]])

    assert best(scores, places, 2)[1].tolist() == [[11, 12], [14, -1]]
    assert best(scores, places, 4)[1].tolist() == [[11, 12, 10, -1], [14, -1, -1, -1]]
    assert best(scores, places, 4)[0][1].tolist() == [4, -np.inf, -np.inf, -np.inf]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 4), st.integers(0, 60), st.integers(0, 30), st.integers(0, 2**32 - 1))
def test_the_best_are_those_of_a_full_sort(rows, width, k, seed):
    """However many are wanted of however many, equal scores or not, a full sort gives the same."""
    scores = np.random.default_rng(seed).integers(0, 9, (rows, width)).astype(np.float32)
    places = np.tile(np.arange(width), (rows, 1))
    found, _ = best(scores, places, k)

    assert np.array_equal(found[:, : min(k, width)], -np.sort(-scores, axis=1)[:, :k])
    half = width // 2
    one, other = (scores[:, :half], places[:, :half]), (scores[:, half:], places[:, half:])
    assert np.array_equal(merged(one, other, k)[0], found)
