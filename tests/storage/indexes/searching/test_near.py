import numpy as np
import pytest

from storage.indexes.card import Setting
from storage.indexes.files import Index
from storage.indexes.searching import near
from storage.indexes.searching.engine import Engine
from storage.indexes.searching.near import near_duplicates, within
from tests.factories import unit_vectors
from tests.storage.indexes.folders import CODED, IDS, KINDS, QUERIES, VECTORS_, D, N, built, live

DEAD = np.arange(0, N, 9)
LEAST = 0.99


@pytest.mark.parametrize("kind", KINDS)
def test_all_that_is_near_comes(kind, tmp_path):
    """Whatever the kind, every row of at least the score comes, dead ones not, best first."""
    index = Index.open(built(tmp_path, kind, dead=DEAD, late=True))
    places = live(DEAD, late=True)
    scores = QUERIES[:5] @ VECTORS_[places].T
    least = float(np.quantile(scores, 0.97))

    for row, (ids, found) in zip(scores, index.range_search(QUERIES[:5], least), strict=True):
        assert set(ids.tolist()) == set(IDS[places][row >= least].tolist())
        assert np.all(np.diff(found) <= 0)
        assert np.all(found >= least)


@pytest.mark.parametrize("size", [1, 700, 40_000])
def test_blocks_do_not_change_what_is_near(size, monkeypatch):
    """Any blocks give the same ids in the same order."""
    engine = Engine.over(None, IDS, VECTORS_)
    whole = within(engine, QUERIES, 0.6)
    monkeypatch.setattr(near, "_NUMBERS", size)
    monkeypatch.setattr(near, "_SCORES", size)
    some = within(engine, QUERIES[:7], 0.6)

    assert sum(len(ids) for ids, _ in whole) > 100
    assert [ids.tolist() for ids, _ in some] == [ids.tolist() for ids, _ in whole[:7]]


def test_equal_scores_come_by_id():
    """Rows that are the same come in order of their ids; nothing near is an empty answer."""
    engine = Engine.over(None, np.array([3, 5, 8]), np.repeat(VECTORS_[:1], 3, axis=0))
    same, none = within(engine, np.stack([VECTORS_[0], -VECTORS_[0]]), 0.99)

    assert same[0].tolist() == [3, 5, 8]
    assert len(none[0]) == len(none[1]) == 0
    assert within(engine, VECTORS_[:0], 0.99) == []


def test_a_query_of_another_dimension_is_refused():
    """As in every search."""
    with pytest.raises(ValueError, match="16 dimensions"):
        within(Engine.over(None, IDS, VECTORS_), np.ones((1, D + 1), np.float32), 0.5)


def engine_of(vectors, ids=None):
    """Rows that are compared one by one."""
    return Engine.over(None, np.arange(len(vectors)) if ids is None else ids, vectors)


def near_to(row, n, seed):
    """``n`` rows of a cosine of .999 or so with ``row``."""
    rows = row + 0.01 * unit_vectors(n, len(row), seed)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_rows_that_are_nearly_the_same_are_a_group():
    """A pair, a group of forty, more than are asked for first, and rows that are alone."""
    alone = unit_vectors(60, 8, seed=3)
    vectors = np.concatenate([alone, near_to(alone[5], 1, 1), near_to(alone[9], 40, 2)])
    ids = np.arange(len(vectors)) * 7
    groups = near_duplicates(engine_of(vectors, ids), LEAST)

    assert [group.tolist() for group in groups] == [
        [5 * 7, 60 * 7],
        [9 * 7, *(ids[61:].tolist())],
    ]


def test_a_chain_is_one_group():
    """Each is near to the next; the ends are not near, and yet of one group."""
    angles = np.arange(30) * 0.1
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    vectors = np.pad(circle, ((0, 0), (0, 6))).astype(np.float32)

    (group,) = near_duplicates(engine_of(vectors), np.cos(0.11))
    assert group.tolist() == list(range(30))
    assert near_duplicates(engine_of(vectors), np.cos(0.09)) == []


@pytest.mark.parametrize(("block", "crowded"), [(1, 1), (7, 3), (1000, 1000)])
def test_blocks_do_not_change_the_groups(block, crowded, monkeypatch):
    """Hundreds of the same row, in any blocks, are one group beside the others."""
    alone = unit_vectors(20, 8)
    vectors = np.concatenate([alone, np.repeat(alone[:1], 100, axis=0), near_to(alone[3], 2, 1)])
    monkeypatch.setattr(near, "_BLOCK", block)
    monkeypatch.setattr(near, "_CROWDED", crowded)
    groups = near_duplicates(engine_of(vectors), LEAST)

    assert [len(group) for group in groups] == [101, 3]


@pytest.mark.parametrize("kind", ["flat", *CODED])
def test_duplicates_of_the_build_and_of_what_came_later_meet(kind, tmp_path):
    """Copies of rows in the delta are grouped with them; a dead row is in no group."""
    engine = Index.open(built(tmp_path, kind, dead=[2])).engine
    copies = np.arange(1000, 1003)
    delta = Engine.over(None, copies, np.ascontiguousarray(VECTORS_[:3])).stored
    setting = Setting(nprobe=32, ef=200, depth=32)
    with_copies = Engine(engine.stored, engine.codes, delta, engine.alive, setting)

    groups = {frozenset(group.tolist()) for group in near_duplicates(with_copies, 0.9999)}
    assert groups == {frozenset({1000, IDS[0]}), frozenset({1001, IDS[1]})}


def test_nothing_has_no_duplicates():
    """An empty index has no groups."""
    assert near_duplicates(engine_of(np.empty((0, 8), np.float32)), LEAST) == []
