import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.indexes.choosing.build import build_index
from storage.indexes.searching import refine
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


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(1, 30), st.integers(0, 2**32 - 1))
def test_of_equal_scores_the_first_places_are_the_best(width, k, seed):
    """Also where more are equal at the end than are wanted; what is no number is not found."""
    scores = np.random.default_rng(seed).integers(0, 4, (3, width)).astype(np.float32)
    scores[scores == 3] = np.nan
    places = np.tile(np.arange(width), (3, 1))

    for row, found in zip(scores, best(scores, places, k)[1], strict=True):
        order = sorted(np.flatnonzero(~np.isnan(row)).tolist(), key=lambda at: (-row[at], at))
        assert found.tolist() == [*order, *[-1] * k][:k]


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 400),
    st.integers(0, 40),
    st.integers(1, 70),
    st.integers(1, 2**10),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_a_query_finds_the_same_alone_and_among_others(rows, k, count, block, told, seed):
    """Scores to the last bit and places, in the order of all products: whatever way it is found.

    Rows come several times, and nearly so; blocks are small, of all rows or of some; the rows
    have any length.
    """
    rng = np.random.default_rng(seed)
    vectors = unit_vectors(rows, 24, seed % 97)[rng.integers(0, rows, rows)] * np.float32(7)
    vectors[::3] += rng.normal(0, 1e-6, vectors[::3].shape).astype(np.float32)
    queries = np.concatenate([unit_vectors(count, 24, 98), vectors[:1]])
    stored = Stored(np.arange(rows), vectors)
    places = np.flatnonzero(rng.random(rows) < 0.5) if told else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(refine, "_PLACES", block)
        patch.setattr(refine, "_BLOCK", 24 * block)
        scores, found = stored.nearest(queries, k, places)
        alone = [stored.nearest(queries[row : row + 1], k, places) for row in range(len(queries))]

    assert np.array_equal(scores, np.concatenate([one for one, _ in alone]))
    assert np.array_equal(found, np.concatenate([one for _, one in alone]))
    among = np.arange(rows) if places is None else places
    whole = stored.products(queries, np.broadcast_to(among, (len(queries), len(among))))
    for row in range(len(queries)):
        order = np.lexsort((among, -whole[row]))[:k]
        assert scores[row][: len(order)].tolist() == whole[row][order].tolist()
        assert found[row].tolist() == [*among[order].tolist(), *[-1] * k][:k]


@pytest.mark.parametrize("count", [1, 20])
def test_rows_that_are_no_numbers_hide_nothing(count):
    """A damaged file may hold them: the others are found, and they are not."""
    vectors = unit_vectors(50, 8).copy()
    vectors[[3, 7]] = np.nan
    vectors[9, 2] = np.inf
    queries = np.abs(unit_vectors(count, 8, 1))
    with np.errstate(all="ignore"):
        found = Stored(np.arange(50), vectors).nearest(queries, 6)[1]

    for query, row in zip(queries, found, strict=True):
        known = [at for at in range(50) if at not in (3, 7)]
        order = sorted(known, key=lambda at: -float(vectors[at] @ query))
        assert row.tolist() == order[:6]


def test_no_query_has_no_answer():
    """Of no query, and of no row, the shapes are told."""
    stored = Stored(np.arange(4), ROWS)

    assert stored.nearest(ROWS[:0], 3)[1].shape == (0, 3)
    assert Stored(IDS[:0], ROWS[:0]).nearest(ROWS[:2], 3)[1].tolist() == [[-1] * 3] * 2
    assert Stored(IDS[:0], ROWS[:0]).longest == 0
