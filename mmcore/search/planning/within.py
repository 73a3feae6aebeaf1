"""What of a snapshot a search may find: by its condition, its language, and what it asks with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmcore.errors import ConfigError
from mmcore.media.names import language_of
from mmcore.search.among import among
from mmcore.search.notes import Note
from mmcore.search.opened.nearest import Target
from mmcore.search.opened.opened import Opened
from mmcore.search.opened.stored import Stored
from mmcore.search.request import Part, SearchRequest
from mmcore.types import Ids
from storage.manifest import IndexEntry
from storage.schemas import FUSED, Modality


@dataclass(frozen=True, slots=True, eq=False)
class Within:
    """The rows and items that one search may answer with.

    Args:
        opened: the snapshot.
        request: what is asked.
        items: those that its condition allows, sorted; None: all.
        asked_items: items that it asks with, which do not come back.
        asked_segments: segments that it asks with, which do not either.
    """

    opened: Opened
    request: SearchRequest
    items: Ids | None
    asked_items: Ids
    asked_segments: Ids

    @classmethod
    def of(cls, opened: Opened, request: SearchRequest, parts: Sequence[Part]) -> Within:
        """ConfigError for an item, a segment or a language that the lake does not have."""
        stored = Stored(opened)
        items = [part.item for part in parts if part.item is not None]
        for item in items:
            stored.check_item(item)
        segments = _ids([part.segment for part in parts if part.segment is not None])
        served = [stored.items_of(segment) for segment in segments.tolist()]
        asked = _ids(items)
        if not request.modalities and request.language is None:  # whole items have no segments
            asked = np.unique(np.concatenate([asked, *served]))
        allowed = None if request.where is None else opened.where().items(request.where)
        return cls(opened, request, allowed, asked, segments)

    @property
    def modalities(self) -> tuple[Modality | None, ...]:
        """The media whose segments are searched, each once; None: whole items."""
        if self.request.language is not None:
            return (Modality.TEXT,)
        return (*dict.fromkeys(self.request.modalities),) or (None,)

    def target(self, entry: IndexEntry) -> Target:
        """What of an index may be found."""
        rows = self.items if entry.modality == FUSED else self._rows(Modality(entry.modality))
        return Target(entry, rows, self.items, self.asked_items, self.asked_segments)

    @property
    def language(self) -> str | None:
        """The language of the texts that are looked at; None: any.

        ConfigError for one that the lake has no texts in.
        """
        told = self.request.language
        if told is None:
            return None
        language, known = language_of(told), self.opened.languages()
        if language not in known:
            raise ConfigError(Note("no-texts-in", language=told, known=known or Note("none")))
        return language

    def beyond(self, entries: Sequence[IndexEntry]) -> int:
        """How many items its condition allows that none of some indexes can answer with."""
        if self.items is None or not entries:
            return 0
        first, *others = (self.opened.beyond(entry) for entry in entries)
        for other in others:
            first = first[among(first, other)]
        found = among(first, self.items) & ~among(first, self.asked_items)
        return int(np.count_nonzero(found))

    def with_words(self) -> Ids | None:
        """The items that words may find: those with something that is searched; None: all."""
        if self.modalities == (None,):
            return self.items
        rows = self._of_language(Modality.TEXT)
        if rows is not None:
            found = self.opened.owners(Modality.TEXT).items_of(rows)
        else:
            found = self.opened.having(frozenset(m for m in self.modalities if m is not None))
        if self.items is not None:
            return found[among(found, self.items)]
        return None if len(found) == len(self.opened.items()) else found

    def _rows(self, modality: Modality) -> Ids | None:
        """The segments of a modality that may be found, sorted; None: all."""
        rows = self._of_language(modality)
        if self.items is None:
            return rows
        found = self.opened.where().segments(modality, self.items)
        return found if rows is None else np.intersect1d(rows, found)

    def _of_language(self, modality: Modality) -> Ids | None:
        language = self.language if modality == Modality.TEXT else None
        return None if language is None else self.opened.of_language(language)


def _ids(found: Sequence[int]) -> Ids:
    return np.unique(np.array(found, dtype=np.int64))
