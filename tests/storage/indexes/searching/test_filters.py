import numpy as np
import pytest

from storage.indexes.card import Setting
from storage.indexes.exact import exact_search
from storage.indexes.files import Index
from storage.indexes.searching import refine
from tests.storage.indexes.folders import (
    IDS,
    KINDS,
    QUERIES,
    VECTORS_,
    N,
    built,
    live,
    recall,
)

K = 10


def exact(places, queries=QUERIES):
    """What exact search among the rows at ``places`` finds."""
    return exact_search(IDS[places], VECTORS_[places], queries, K)[1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.001, 0.01, 0.1, 0.5, 0.95])
def test_a_filter_keeps_recall_and_the_number_of_results(kind, share, tmp_path):
    """Among few rows or most: as much of the exact nearest as without filter, and always k."""
    index = Index.open(built(tmp_path, kind))
    places = np.sort(np.random.default_rng(1).choice(N, int(N * share), replace=False))
    scores, found = index.search(QUERIES, K, IDS[places])

    there = min(K, len(places))
    assert np.all((found >= 0).sum(axis=1) == there)
    assert np.isin(found[:, :there], IDS[places]).all()
    assert np.all(np.diff(scores[:, :there], axis=1) <= 0)
    whole = recall(index.search(QUERIES, K)[1], exact(live()))
    assert recall(found, exact(places)) >= whole - 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_a_filter_on_the_furthest_rows_still_gives_k(kind, tmp_path):
    """What is allowed need not be among what the codes find first."""
    index = Index.open(built(tmp_path, kind))
    order = np.argsort(VECTORS_[:N] @ QUERIES[0])
    _, found = index.search(QUERIES[:1], K, IDS[order[: N // 2]])

    wanted = exact(np.sort(order[: N // 2]), QUERIES[:1])
    assert np.all(found >= 0)
    assert recall(found, wanted) >= (1 if kind == "flat" else 0.8)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("few", [3, 40])
def test_the_dead_stay_dead_under_a_filter(kind, few, tmp_path):
    """Ids that are dead, unknown or named twice add nothing; those of the delta are searched."""
    dead = np.arange(0, N, 5)
    index = Index.open(built(tmp_path, kind, dead=dead, late=True))
    places = np.concatenate([np.arange(0, N, 2), np.arange(N, N + 50)])
    asked = np.concatenate([IDS[places][::-1], IDS[dead[:10]], IDS[:2:2], [1, 2, 3]])
    _, found = index.search(QUERIES[:few], K, asked)

    wanted = exact(np.setdiff1d(places, dead), QUERIES[:few])
    assert not np.isin(found, IDS[dead]).any()
    assert recall(found, wanted) >= (1 if kind == "flat" else 0.9)
    assert all(len(set(row)) == K for row in found.tolist())


@pytest.mark.parametrize("kind", KINDS)
def test_a_filter_of_unknown_ids_finds_nothing(kind, tmp_path):
    """No row is invented for an id that there is not."""
    _, found = Index.open(built(tmp_path, kind)).search(QUERIES, K, np.array([1, 2, 3]))

    assert np.all(found == -1)


@pytest.mark.parametrize("kind", ["IVF32,PQ8x4fs", "IVF32,Flat"])
def test_too_few_lists_are_made_up_for(kind, tmp_path):
    """One list has fewer than 300 rows: more lists are read until there are k results."""
    index = Index.open(built(tmp_path, kind))
    _, found = index.search(QUERIES, 300, setting=Setting(nprobe=1))

    assert np.all(found >= 0)
    assert all(len(set(row)) == 300 for row in found.tolist())


def test_blocks_do_not_change_what_a_subset_gives(tmp_path, monkeypatch):
    """Many queries or few, in any blocks, the exact nearest of a subset are the same."""
    index = Index.open(built(tmp_path, "IDMap,PQ8x4fs"))
    places = np.arange(0, N, 20)
    wanted = exact(places)
    for block, few in ((1 << 20, 0), (1 << 20, 1000), (16 * 7, 0), (40 * 3, 1000)):
        monkeypatch.setattr(refine, "_BLOCK", block)
        monkeypatch.setattr(refine, "_PLACES", block)
        monkeypatch.setattr(refine, "_FEW", few)
        assert np.array_equal(index.search(QUERIES, K, IDS[places])[1], wanted)


@pytest.mark.parametrize("kind", KINDS)
def test_a_setting_beyond_what_there_is_reads_all(kind, tmp_path):
    """A damaged card may name more lists, candidates or refinements than any index has."""
    index = Index.open(built(tmp_path, kind))
    most = Setting(nprobe=32, ef=N, depth=N)
    beyond = Setting(nprobe=2**64, ef=10**400, depth=10**400, k=10**400)
    wanted = index.search(QUERIES, K, setting=most)[1]

    assert np.array_equal(index.search(QUERIES, K, setting=beyond)[1], wanted)
    found = index.search(QUERIES, K, IDS[:500], setting=beyond)[1]
    assert np.array_equal(found, exact(np.arange(500)))


def test_fewer_results_are_refined_from_as_many(tmp_path):
    """The first of one is the first of ten: the codes are asked for as many."""
    index = Index.open(built(tmp_path, "IDMap,PQ8x4fs"))

    assert np.array_equal(index.search(QUERIES, 1)[1], index.search(QUERIES, K)[1][:, :1])
