from dataclasses import dataclass, replace

import numpy as np
import pytest

from mmcore.search.opened.nearest import Nearest, Target, Wanted
from mmcore.search.opened.owners import Owners
from storage.indexes.card import IndexCard
from storage.indexes.files import Index
from storage.indexes.searching.engine import Engine
from storage.manifest import IndexEntry
from tests.factories import unit_vectors
from tests.lakes import WHEN


@dataclass
class Rows:
    """An opened snapshot with one index, whose segments serve some items."""

    ids: np.ndarray
    vectors: np.ndarray
    items: np.ndarray

    def index(self, entry):
        """Exact."""
        card = IndexCard(
            space="s",
            modality=entry.modality,
            dim=4,
            rows=len(self.ids),
            created_at=WHEN,
            build="",
        )
        return Index(card, Engine.over(None, self.ids, self.vectors))

    def held(self, entry):
        """All."""
        return self.ids

    def owners(self, modality):
        """A segment serves the item at its place."""
        return Owners.of(self.items, self.ids)


def target(rows, modality="text", **options):
    """The one index."""
    entry = IndexEntry(name="i", path="i", space="s", modality=modality, rows=len(rows), dim=4)
    return Target(entry, **options)


def found(rows, one, count):
    """The items that are nearest to the first axis."""
    query = np.eye(4, dtype=np.float32)[0]
    (listed,) = Nearest(rows).lists([Wanted(one, query, count)])
    return listed


@pytest.mark.parametrize("modality", ["text", "fused"])
def test_equal_scores_come_by_id_however_many_are_asked(modality):
    """Of a hundred equal rows those of the smallest item ids come, whatever an index gives."""
    ids = np.arange(100, dtype=np.int64)
    rows = Rows(ids, np.tile(np.eye(4, dtype=np.float32)[1], (100, 1)), ids[::-1].copy())
    for count in (1, 3, 40):
        listed = found(rows, target(ids, modality), count)
        assert listed.item_ids.tolist() == [*range(count)]


def test_as_many_items_come_as_are_wanted_where_there_are_as_many():
    """The nearest fifty segments are all of one item, and others come all the same."""
    ids = np.arange(80, dtype=np.int64)
    vectors = unit_vectors(80, 4)
    order = np.argsort(-vectors[:, 0])
    items = np.empty(80, dtype=np.int64)
    items[order] = np.concatenate([np.zeros(50), np.arange(1, 31)]).astype(np.int64)
    rows = Rows(ids, vectors, items)

    assert found(rows, target(ids), 20).item_ids.tolist() == [*range(20)]
    assert len(found(rows, target(ids), 99)) == 31
    without = target(ids, without_items=np.array([0, 3]))
    assert found(rows, without, 4).item_ids.tolist() == [1, 2, 4, 5]


def test_items_are_scored_by_their_best_segment_that_may_be_found():
    """What the target has nothing of has no score."""
    ids = np.arange(4, dtype=np.int64)
    vectors = np.eye(4, dtype=np.float32)[[0, 1, 0, 2]]
    rows = Rows(ids, vectors, np.array([7, 7, 8, 9]))
    query = np.eye(4, dtype=np.float32)[0]
    one = replace(target(ids), rows=np.array([0, 1, 3]))
    scores, segments = Nearest(rows).scores(one, query, np.array([6, 7, 8, 9]))

    assert np.isnan(scores[[0, 2]]).all()
    assert scores[[1, 3]].tolist() == [1, 0]
    assert segments.tolist() == [-1, 0, -1, 3]
