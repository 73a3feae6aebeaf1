"""Items and segments of the lake as queries: by the vectors that it has of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mmcore.errors import ConfigError
from mmcore.search.among import among
from mmcore.search.notes import Note
from mmcore.search.opened.opened import Opened
from mmcore.search.ranking.combined import combined
from mmcore.types import Ids, Vectors
from storage.manifest import IndexEntry
from storage.schemas import FUSED, MODALITIES, Modality


@dataclass(frozen=True, slots=True)
class Stored:
    """Finds the vectors of what the lake holds."""

    opened: Opened

    def item(self, item_id: int, entry: IndexEntry) -> Vectors | None:
        """The vector (d,) of an item as a query of an index; None where it has none there.

        It is what the index holds of it (the mean of its segments), else its fused vector or what
        another medium of it has, where those lie in the same space.
        """
        found = ((one, self._held(one, item_id)) for one in self._sources(entry))
        return self._asking(found, entry)

    def segment(self, segment_id: int, entry: IndexEntry) -> Vectors | None:
        """The same for a segment."""
        wanted = np.array([segment_id], dtype=np.int64)
        found = (
            (one, self._rows(one, wanted)) for one in self._sources(entry) if one.modality != FUSED
        )
        return self._asking(found, entry)

    def media(self, item_id: int | None, segment_id: int | None) -> list[Modality]:
        """The media whose indexes hold a vector of an item, or of a segment."""
        ids = np.array([segment_id] if segment_id is not None else [], dtype=np.int64)
        found = {
            entry.modality
            for entry in self.opened.snapshot.manifest.indexes
            if entry.modality != FUSED
            and len(self._rows(entry, ids) if item_id is None else self._held(entry, item_id))
        }
        return [modality for modality in MODALITIES if modality in found]

    def check_item(self, item_id: int) -> None:
        """ConfigError where the lake has no such item."""
        if not among(np.array([item_id], dtype=np.int64), self.opened.items()).all():
            raise ConfigError(Note("no-item", item=str(item_id)))

    def items_of(self, segment_id: int) -> Ids:
        """The items that a segment serves; ConfigError where the lake has no such segment."""
        wanted = np.array([segment_id], dtype=np.int64)
        for modality in MODALITIES:
            found = self.opened.owners(modality).items_of(wanted)
            if len(found):
                return found
        raise ConfigError(Note("no-segment", segment=str(segment_id)))

    def _sources(self, entry: IndexEntry) -> Iterator[IndexEntry]:
        """The index itself, then others whose vectors are queries of it; fused ones first."""
        yield entry
        space = self.opened.asked_in(entry)
        others = [o for o in self.opened.snapshot.manifest.indexes if o.rows and o.space == space]
        for other in sorted(others, key=lambda one: one.modality != FUSED):
            if other.path != entry.path:
                yield other

    def _asking(
        self, found: Iterator[tuple[IndexEntry, Vectors]], entry: IndexEntry
    ) -> Vectors | None:
        """The mean of the first rows that there are, as a query of ``entry``."""
        for source, rows in found:
            if len(rows):
                vector = combined([*rows], np.ones(len(rows)).tolist())
                same = source.path == entry.path
                return vector if same else self.opened.in_index(vector, entry)
        return None

    def _held(self, entry: IndexEntry, item_id: int) -> Vectors:
        wanted = np.array([item_id], dtype=np.int64)
        if entry.modality != FUSED:
            wanted, _ = self.opened.owners(Modality(entry.modality)).segments_of(wanted)
        return self._rows(entry, wanted)

    def _rows(self, entry: IndexEntry, ids: Ids) -> Vectors:
        """The vectors (m, d) of those of ``ids`` that the index holds."""
        held = ids[among(ids, self.opened.held(entry))]
        return self.opened.index(entry).vectors_of(held)
