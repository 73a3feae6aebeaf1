from concurrent.futures import ThreadPoolExecutor

import faiss
import numpy as np
import pytest

from storage.indexes.card import Setting
from storage.indexes.exact import exact_search
from storage.indexes.files import Index
from storage.indexes.searching.engine import Engine
from tests.storage.indexes.folders import (
    CODED,
    IDS,
    KINDS,
    QUERIES,
    SETTINGS,
    VECTORS_,
    D,
    N,
    Q,
    built,
    faiss_bytes,
    live,
    recall,
)

K = 10
DEAD = np.arange(0, N, 7)


def exact(places, queries=QUERIES, k=K):
    """What exact search among the rows at ``places`` finds."""
    return exact_search(IDS[places], VECTORS_[places], queries, k)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_finds_what_exact_search_does(kind, tmp_path):
    """At its setting a kind finds nearly all of the exact nearest; the exact one all."""
    _, found = Index.open(built(tmp_path, kind)).search(QUERIES, K)
    _, wanted = exact(live())

    assert recall(found, wanted) >= (1 if kind == "flat" else 0.9)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_inner_products_best_first(kind, tmp_path):
    """Whatever found a row, its score is the inner product with its stored vector."""
    scores, found = Index.open(built(tmp_path, kind, dead=DEAD, late=True)).search(QUERIES, K)
    rows = VECTORS_[np.searchsorted(IDS, found)]

    assert scores == pytest.approx(np.einsum("qd,qkd->qk", QUERIES, rows), abs=1e-5)
    assert np.all(np.diff(scores, axis=1) <= 0)
    assert (scores.dtype, found.dtype) == (np.float32, np.int64)


@pytest.mark.parametrize("kind", KINDS)
def test_no_dead_row_is_found_and_rows_that_came_are(kind, tmp_path):
    """An index with tombstones and a delta finds what one of the rows that are alive would."""
    index = Index.open(built(tmp_path, kind, dead=DEAD, late=True))
    places = live(DEAD, late=True)
    _, found = index.search(QUERIES, K)

    assert not np.isin(found, IDS[DEAD]).any()
    assert all(len(set(row)) == K for row in found.tolist())
    assert recall(found, exact(places)[1]) >= (1 if kind == "flat" else 0.9)
    assert np.array_equal(index.held(), IDS[places])
    assert np.array_equal(index.search(VECTORS_[N:], 1)[1][:, 0], IDS[N:])


@pytest.mark.parametrize("kind", KINDS)
def test_where_the_nearest_are_dead_others_come(kind, tmp_path):
    """A query whose hundred nearest rows are all dead still gets k."""
    order = np.argsort(-(VECTORS_[:N] @ QUERIES[0]))
    _, found = Index.open(built(tmp_path, kind, dead=order[:100])).search(QUERIES[:1], K)

    assert recall(found, IDS[order[100 : 100 + K]][None]) >= (1 if kind == "flat" else 0.8)
    assert np.all(found >= 0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("k", [1, 500, N + 50])
def test_any_number_of_results_can_be_asked_for(kind, k, tmp_path):
    """As many come back as there are; beyond the rows the id is -1 and the score -inf."""
    scores, found = Index.open(built(tmp_path, kind, dead=DEAD)).search(QUERIES[:5], k)
    there = min(k, N - len(DEAD))

    assert found.shape == scores.shape == (5, k)
    assert np.all(found[:, :there] >= 0)
    assert np.all(found[:, there:] == -1)
    assert np.all(np.isneginf(scores) == (found < 0))
    assert all(len(set(row[:there])) == there for row in found.tolist())


@pytest.mark.parametrize("kind", ["IVF32,Flat", "IVF32,PQ8x4fs", "IDMap,HNSW32"])
def test_a_setting_holds_for_one_call(kind, tmp_path):
    """A poor setting finds less in its call, and leaves the next one as it was."""
    index = Index.open(built(tmp_path, kind))
    before = index.search(QUERIES, K)[1]
    poor = index.search(QUERIES, K, setting=Setting(nprobe=1, ef=1))[1]

    assert recall(poor, exact(live())[1]) < recall(before, exact(live())[1])
    assert np.all(poor >= 0)
    assert np.array_equal(index.search(QUERIES, K)[1], before)


def test_without_a_number_of_lists_all_are_read():
    """An IVF that nobody set anything for is not searched with the one list of faiss's default."""
    index = faiss.deserialize_index(np.frombuffer(faiss_bytes("IVF32,Flat"), np.uint8))
    engine = Engine.over(index, IDS[:N], VECTORS_[:N])

    assert np.array_equal(engine.search(QUERIES, K)[1], exact(live())[1])


@pytest.mark.parametrize("kind", CODED)
def test_threads_share_an_index(kind, tmp_path):
    """Searches with different settings, numbers and filters at once answer as they do alone."""
    index = Index.open(built(tmp_path, kind, dead=DEAD, late=True))
    calls = [
        (
            QUERIES[i : i + 3],
            3 + i,
            IDS[i::2] if i % 3 else None,
            SETTINGS[kind] if i % 2 else None,
        )
        for i in range(24)
    ]

    def search(call):
        queries, k, ids, setting = call
        return index.search(queries, k, ids, setting=setting)[1].tolist()

    alone = [search(call) for call in calls]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(search, calls)) == alone


def test_an_index_in_memory_answers_as_when_it_was_opened(tmp_path):
    """What is measured before a build is written is what searches get; nothing is taken over."""
    for kind in CODED:
        index = faiss.deserialize_index(np.frombuffer(faiss_bytes(kind), np.uint8))
        engine = Engine.over(index, IDS[:N], VECTORS_[:N], SETTINGS[kind])
        found = engine.search(QUERIES, K)

        opened = Index.open(built(tmp_path / kind, kind)).search(QUERIES, K)
        assert np.array_equal(found[1], opened[1])
        assert faiss.serialize_index(index).tobytes() == faiss_bytes(kind)


def test_stored_vectors_come_back_exactly(tmp_path):
    """In the order asked, from the build and from what came later; a dead row has none."""
    index = Index.open(built(tmp_path, "IDMap,PQ8x4fs", dead=[3], late=True))
    places = [N + 4, 17, 0, N, 17]

    assert np.array_equal(index.vectors_of(IDS[places]), VECTORS_[places])
    assert index.vectors_of(IDS[:0]).shape == (0, D)
    for unknown in (IDS[3], 5):
        with pytest.raises(ValueError, match=f"no row {unknown}"):
            index.vectors_of(np.array([IDS[0], unknown]))


def test_blocks_are_all_that_is_held(tmp_path):
    """Each row comes once, with its vector, in blocks no larger than asked."""
    index = Index.open(built(tmp_path, "IDMap,PQ8x4fs", dead=DEAD, late=True))
    blocks = list(index.engine.blocks(64))

    assert max(len(ids) for ids, _ in blocks) <= 64
    assert np.array_equal(np.sort(np.concatenate([ids for ids, _ in blocks])), index.held())
    for ids, vectors in blocks:
        assert np.array_equal(vectors, VECTORS_[np.searchsorted(IDS, ids)])


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_query_that_is_not_finite_is_refused(wrong):
    """A broken vector is an error, not an arbitrary answer."""
    engine = Engine.over(None, IDS, VECTORS_)
    with pytest.raises(ValueError, match="not finite"):
        engine.search(np.full((1, D), wrong, np.float32), 1)


def test_nothing_is_asked_for_and_nothing_comes():
    """No queries, or no results, give arrays of that shape; fewer than none is refused."""
    engine = Engine.over(None, IDS, VECTORS_)

    assert engine.search(QUERIES[:0], 3)[1].shape == (0, 3)
    assert engine.search(QUERIES, 0)[1].shape == (Q, 0)
    with pytest.raises(ValueError, match="-1 results"):
        engine.search(QUERIES, -1)


@pytest.mark.parametrize("kind", ["flat", "IDMap,PQ8x4fs", "IVF32,SQ8", "IDMap,HNSW32"])
def test_numbers_of_numpy_are_numbers(kind, tmp_path):
    """``k`` may be one of NumPy's, and ids of any width: the answers are the same."""
    index = Index.open(built(tmp_path, kind, late=True))
    wanted = index.search(QUERIES, 3, IDS[:50])
    few = index.search(QUERIES, np.int64(3), IDS[:50].astype(np.uint64))

    assert np.array_equal(wanted[1], few[1])
    assert np.array_equal(wanted[0], few[0])
    assert np.array_equal(index.search(QUERIES, np.int32(3))[1], index.search(QUERIES, 3)[1])
    assert np.array_equal(index.search(QUERIES, 3, [])[1], np.full((Q, 3), -1))


@pytest.mark.parametrize("k", [-1, True, np.bool_(True), 3.0, np.float64(3), "3", None])
def test_what_counts_nothing_is_refused(k, tmp_path):
    """``k`` is a whole number, 0 or more."""
    with pytest.raises(ValueError, match="cannot be asked for"):
        Index.open(built(tmp_path, "IDMap,PQ8x4fs")).search(QUERIES, k)


@pytest.mark.parametrize("ids", [[1.5], np.array([2.0]), np.array([True, False]), ["7"]])
def test_what_is_no_id_is_refused(ids, tmp_path):
    """Rounded numbers and masks would be taken for ids of other rows."""
    index = Index.open(built(tmp_path, "flat"))
    with pytest.raises(ValueError, match="ids are whole numbers"):
        index.search(QUERIES, 3, ids)
    with pytest.raises(ValueError, match="ids are whole numbers"):
        index.vectors_of(ids)
