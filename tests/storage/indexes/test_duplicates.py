import numpy as np
import pytest

from storage.indexes import duplicates
from storage.indexes.card import IndexCard, Setting
from storage.indexes.duplicates import near_duplicates
from storage.indexes.engine import Engine
from storage.indexes.files import Index
from tests.factories import WHEN, unit_vectors
from tests.storage.indexes.folders import CODED, IDS, VECTORS_, built

LEAST = 0.99


def index_of(vectors, ids=None):
    """An exact index of rows."""
    ids = np.arange(len(vectors)) if ids is None else ids
    card = IndexCard(space="s", modality="text", dim=8, rows=len(ids), created_at=WHEN, build="b")
    return Index(card, Engine.over(None, ids, vectors))


def near_to(row, n, seed):
    """``n`` rows of a cosine of .999 or so with ``row``."""
    rows = row + 0.01 * unit_vectors(n, len(row), seed)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_rows_that_are_nearly_the_same_are_a_group():
    """A pair, a group of forty, more than are asked for first, and rows that are alone."""
    alone = unit_vectors(60, 8, seed=3)
    vectors = np.concatenate([alone, near_to(alone[5], 1, 1), near_to(alone[9], 40, 2)])
    ids = np.arange(len(vectors)) * 7
    groups = near_duplicates(index_of(vectors, ids), LEAST)

    assert [group.tolist() for group in groups] == [
        [5 * 7, 60 * 7],
        [9 * 7, *(ids[61:].tolist())],
    ]


def test_a_chain_is_one_group():
    """Each is near to the next; the ends are not near, and yet of one group."""
    angles = np.arange(30) * 0.1
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    vectors = np.pad(circle, ((0, 0), (0, 6))).astype(np.float32)

    (group,) = near_duplicates(index_of(vectors), np.cos(0.11))
    assert group.tolist() == list(range(30))
    assert near_duplicates(index_of(vectors), np.cos(0.09)) == []


@pytest.mark.parametrize(("block", "crowded"), [(1, 1), (7, 3), (1000, 1000)])
def test_blocks_do_not_change_the_groups(block, crowded, monkeypatch):
    """Hundreds of the same row, in any blocks, are one group beside the others."""
    alone = unit_vectors(20, 8)
    vectors = np.concatenate([alone, np.repeat(alone[:1], 100, axis=0), near_to(alone[3], 2, 1)])
    monkeypatch.setattr(duplicates, "_BLOCK", block)
    monkeypatch.setattr(duplicates, "_CROWDED", crowded)
    groups = near_duplicates(index_of(vectors), LEAST)

    assert [len(group) for group in groups] == [101, 3]


@pytest.mark.parametrize("kind", ["flat", *CODED])
def test_duplicates_of_the_build_and_of_what_came_later_meet(kind, tmp_path):
    """Copies of rows in the delta are grouped with them; a dead row is in no group."""
    index = Index.open(built(tmp_path, kind, dead=[2]))
    copies = np.arange(1000, 1003)
    delta = Engine.over(None, copies, np.ascontiguousarray(VECTORS_[:3])).stored
    engine = index.engine
    card = index.card.model_copy(update={"setting": Setting(nprobe=32, ef=200, depth=32)})
    with_copies = Index(
        card, Engine(engine.stored, engine.codes, delta, engine.alive, card.setting)
    )

    groups = {frozenset(group.tolist()) for group in near_duplicates(with_copies, 0.9999)}
    assert groups == {frozenset({1000, IDS[0]}), frozenset({1001, IDS[1]})}


def test_nothing_has_no_duplicates():
    """An empty index has no groups."""
    assert near_duplicates(index_of(np.empty((0, 8), np.float32)), LEAST) == []
