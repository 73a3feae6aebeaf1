import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.indexes.choosing import truth as module
from storage.indexes.choosing.truth import (
    Truth,
    exact_answers,
    load_truth,
    rows_digest,
    truth_key,
    without_own,
)
from storage.indexes.exact import exact_search
from storage.indexes.questions import Questions
from tests.factories import unit_vectors
from tests.storage.indexes.data import asked, ids_of

IDS, VECTORS, QUERIES = ids_of(60), unit_vectors(60, 4), unit_vectors(7, 4, seed=1)


@settings(max_examples=30, deadline=None)
@given(n=st.integers(0, 60), q=st.integers(0, 7), k=st.integers(1, 70), block=st.integers(1, 300))
def test_answers_are_exact_whatever_the_block(n, q, k, block):
    """They are those of exact search in NumPy, with their inner products, for any block size."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_BLOCK", block)
        truth = exact_answers(IDS[:n], VECTORS[:n], asked(QUERIES[:q]), k)
    scores, ids = exact_search(IDS[:n], VECTORS[:n], QUERIES[:q], k)

    assert np.array_equal(truth.ids, ids)
    assert truth.scores == pytest.approx(scores, abs=1e-6)


def test_a_query_does_not_answer_itself():
    """Stored rows that ask find k others; rows without an own id are not cut short."""
    questions = Questions(VECTORS[:3], np.full(3, "text"), np.array([IDS[0], -1, IDS[2]]))
    truth = exact_answers(IDS, VECTORS, questions, 5)
    full = exact_search(IDS, VECTORS, VECTORS[:3], 6)[1]

    assert truth.ids.tolist() == [full[0, 1:].tolist(), full[1, :5].tolist(), full[2, 1:].tolist()]


def test_without_own_keeps_the_order():
    """What follows the own id moves up; where it is not found the last one is left out."""
    found, scores = without_own(
        np.array([[4, 9, 2], [4, 9, 2]]),
        np.array([[3, 2, 1], [3, 2, 1]], np.float32),
        np.array([9, 7]),
        2,
    )

    assert found.tolist() == [[4, 2], [4, 9]]
    assert scores.tolist() == [[3, 1], [3, 2]]


def test_recall_is_the_share_of_the_nearest_that_was_found():
    """Two of four is .5, in any order; an id found twice counts once, and -1 never."""
    truth = Truth(np.array([[1, 2, 3, 4]]), np.array([[0.9, 0.8, 0.7, 0.6]], np.float32))

    assert truth.recall(np.array([[9, 3, 1, 8]])) == pytest.approx([0.5])
    assert truth.recall(np.array([[4, 3, 2, 1]])) == pytest.approx([1.0])
    assert truth.recall(np.array([[1, 1, 1, -1]])) == pytest.approx([0.25])


def test_ties_are_equally_right():
    """An id that scores as the last of the nearest, within 1e-5, is found rightly."""
    truth = Truth(np.array([[1, 2]]), np.array([[0.9, 0.8]], np.float32))
    tied = truth.recall(np.array([[1, 7]]), np.array([[0.9, 0.8 - 5e-6]], np.float32))
    worse = truth.recall(np.array([[1, 7]]), np.array([[0.9, 0.7999]], np.float32))

    assert (tied.tolist(), worse.tolist()) == ([1.0], [0.5])


def test_fewer_rows_than_k_can_all_be_found():
    """Recall is of what there is; where there is nothing, nothing was missed."""
    truth = exact_answers(IDS[:2], VECTORS[:2], asked(QUERIES[:1]), 5)
    none = exact_answers(IDS[:0], VECTORS[:0], asked(QUERIES[:1]), 5)

    assert truth.recall(truth.ids).tolist() == [1.0]
    assert truth.recall(np.array([[IDS[0], -1, -1, -1, -1]])).tolist() == [0.5]
    assert none.recall(none.ids, none.scores).tolist() == [1.0]


def test_kept_answers_are_used_for_the_same_rows_and_queries_only(tmp_path):
    """Under their key they come back as they are; under another, or damaged, they do not."""
    truth = exact_answers(IDS, VECTORS, asked(QUERIES), 3, key="ours")
    truth.save(tmp_path / "truth.npz")
    kept = load_truth(tmp_path / "truth.npz", "ours")

    assert np.array_equal(kept.ids, truth.ids)
    assert np.array_equal(kept.scores, truth.scores)
    assert load_truth(tmp_path / "truth.npz", "another's") is None
    assert load_truth(tmp_path / "none.npz", "ours") is None
    for damaged in (b"", b"PK\x03\x04 no zip", (tmp_path / "truth.npz").read_bytes()[:-40]):
        (tmp_path / "damaged.npz").write_bytes(damaged)
        assert load_truth(tmp_path / "damaged.npz", "ours") is None


def test_the_key_is_of_all_that_decides_the_answers():
    """Other ids, vectors, queries, own rows or k make another key."""
    rows = rows_digest(IDS, VECTORS)
    questions = asked(QUERIES)
    keys = {
        truth_key(rows, questions, 10),
        truth_key(rows, questions, 5),
        truth_key(rows, asked(-QUERIES), 10),
        truth_key(rows, Questions(QUERIES, questions.kinds, IDS[:7]), 10),
        truth_key(rows_digest(IDS + 1, VECTORS), questions, 10),
        truth_key(rows_digest(IDS, -VECTORS), questions, 10),
    }

    assert len(keys) == 6
    assert truth_key(rows_digest(IDS.copy(), VECTORS.copy()), asked(QUERIES.copy()), 10) in keys


@given(st.integers(0, 5), st.integers(1, 6), st.integers(1, 6), st.integers(0, 99))
def test_what_was_found_rightly_is_told_whatever_the_shape(q, m, k, seed):
    """Recall is the share of the true ids of a query that are among those found for it."""
    rng = np.random.default_rng(seed)
    found = rng.integers(-1, 8, (q, m))
    ids = np.array([rng.permutation(9)[:k] for _ in range(q)], dtype=np.int64).reshape(q, k)
    truth = Truth(ids, np.zeros((q, k), np.float32))

    pairs = zip(ids, found, strict=True)
    assert truth.recall(found).tolist() == [np.isin(one, mine).mean() for one, mine in pairs]


def test_recall_of_many_results_takes_memory_by_their_number():
    """A thousand results of each of 200 queries take some MB, and not a thousand times that."""
    ids = np.random.default_rng(0).integers(0, 2**62, (200, 1000))
    truth = Truth(ids, np.zeros(ids.shape, np.float32))
    tracemalloc.start()
    try:
        assert truth.recall(ids[:, ::-1]).min() == 1
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
