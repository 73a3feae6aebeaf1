"""Which index answers: one that lies in a space that all of what is asked with can ask in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mmcore.errors import ConfigError, SpaceMismatchError
from mmcore.search.asking.queries import Asker
from mmcore.search.asking.voices import Voices
from mmcore.search.notes import Note
from mmcore.search.opened.opened import Opened
from mmcore.search.opened.stored import Stored
from mmcore.search.request import Part
from mmcore.specs import FitSpec
from mmcore.types import Vectors, unit_rows
from storage.manifest import IndexEntry
from storage.schemas import FUSED, MODALITIES, MmindexError, Modality


@dataclass(frozen=True, slots=True)
class Indexes:
    """The indexes of a snapshot, as parts of a search can ask them."""

    opened: Opened
    asker: Asker
    stored: Stored

    def of(self, modality: Modality | None, parts: Sequence[Part], voices: Voices) -> IndexEntry:
        """The index to search; without a modality that of the items, else of a part's own kind.

        A part's own kind is what its file is, or a medium that its item or segment has.
        Raises ConfigError where there is none, SpaceMismatchError where a part cannot ask in any.
        """
        kinds = [kind for part in parts if (kind := voices.kind(part)) is not None]
        order = [*self._there([modality] if modality else [FUSED, *dict.fromkeys(kinds)], kinds)]
        found = self._fitting(order, parts, voices)
        if found is None and modality is None:
            further = [*self._there(self._media(parts), kinds)]
            order, found = [*order, *further], self._fitting(further, parts, voices)
        if found is not None:
            return found
        if not order:
            raise self._absent(modality or FUSED)
        misfits = (self.misfit(part, order[0], voices) for part in parts)
        raise next(error for error in misfits if error is not None)

    def _there(self, wanted: Sequence[str], kinds: Sequence[Modality]) -> Iterator[IndexEntry]:
        """The indexes of these media, in the order in which they are tried."""
        indexes = [index for index in self.opened.snapshot.manifest.indexes if index.rows]
        there = [index for name in wanted for index in indexes if index.modality == name]
        return self._preferred(there, kinds)

    def _fitting(
        self, order: Sequence[IndexEntry], parts: Sequence[Part], voices: Voices
    ) -> IndexEntry | None:
        """The first index that all parts can ask in."""
        for index in order:
            if all(self.misfit(part, index, voices) is None for part in parts):
                return index
        return None

    def _media(self, parts: Sequence[Part]) -> list[Modality]:
        """The media that the items and segments have which are asked with."""
        found = (one for part in parts for one in self.stored.media(part.item, part.segment))
        return [*dict.fromkeys(found)]

    def vector(self, part: Part, index: IndexEntry, voices: Voices) -> Vectors:
        """The unit vector (d,) of a part, as the vectors of an index are.

        Raises the error of ``misfit``, and ConfigError for a part that cannot be asked with.
        """
        error = self.misfit(part, index, voices)
        if error is not None:
            raise error
        if part.vector is not None:
            return self._given(part.vector, index)
        found = self._of_lake(part, index)
        if found is not None:
            return found
        return self.opened.in_index(voices.vector(part, self.opened.asked_in(index)), index)

    def misfit(self, part: Part, index: IndexEntry, voices: Voices) -> MmindexError | None:
        """Why a part cannot ask in an index; None: it can."""
        kind = voices.kind(part)
        if kind is not None:
            spaces = self.asker.spaces(kind)
            if self.opened.asked_in(index) in spaces:
                return None
            return SpaceMismatchError(spaces[0], index.space, self._hint(index, kind))
        if part.vector is not None:
            dims = self._dims(index)
            if len(part.vector) in dims:
                return None
            return SpaceMismatchError(
                Note("numbers", count=len(part.vector)),
                index.space,
                Note("it-has", count=index.dim),
            )
        if self._of_lake(part, index) is not None:
            return None
        return self._lacking(part, index)

    def _lacking(self, part: Part, index: IndexEntry) -> ConfigError:
        """Why an item or a segment cannot ask in an index, and where it can."""
        what = Note("segment", segment=str(part.segment))
        if part.item is not None:
            key = self.opened.rows.key(part.item)
            what = Note("item", item=str(part.item), key=key)
        if media := self.stored.media(part.item, part.segment):
            return ConfigError(
                Note("lacking-but", what=what, space=index.space, media=(*media,), first=media[0])
            )
        return ConfigError(Note("lacking-vector", what=what, space=index.space))

    def _of_lake(self, part: Part, index: IndexEntry) -> Vectors | None:
        if part.item is not None:
            return self.stored.item(part.item, index)
        return None if part.segment is None else self.stored.segment(part.segment, index)

    def _preferred(
        self, there: Sequence[IndexEntry], kinds: Sequence[Modality]
    ) -> Iterator[IndexEntry]:
        """Those of one medium together; of its spaces the main one of what is asked with first."""
        spaces = self.asker.spaces(kinds[0]) if kinds else ()
        for name in dict.fromkeys(index.modality for index in there):
            mine = [index for index in there if index.modality == name]
            places = {space: place for place, space in enumerate(spaces)}
            yield from sorted(
                mine, key=lambda index: places.get(self.opened.asked_in(index), len(places))
            )

    def _absent(self, wanted: str) -> ConfigError:
        known = {index.modality for index in self.opened.snapshot.manifest.indexes}
        listed = (*(m for m in (*MODALITIES, FUSED) if m in known),)
        return ConfigError(Note("no-index", medium=wanted, media=listed or Note("none")))

    def _dims(self, index: IndexEntry) -> set[int]:
        """How many numbers a query's own vector may have."""
        shared = self.opened.snapshot.manifest.shared
        if shared is None or index.space == self.opened.asked_in(index):
            return {index.dim}
        return {index.dim, self.opened.snapshot.manifest.dim_of(shared)}

    def _given(self, numbers: Sequence[float], index: IndexEntry) -> Vectors:
        """A query's own vector, scaled to length 1: it is taken to be of the index's space.

        Or of the space that is fused, where the index has another one and the length says so.
        """
        exact = np.array(numbers, dtype=np.float64)
        largest = float(np.abs(exact).max(initial=0.0))
        if 0 < largest < np.inf:  # of any length: float32 would make 0 or infinity of some squares
            exact /= largest
        try:
            vector: Vectors = unit_rows(exact[None])[0]
        except ValueError as error:
            raise ConfigError(Note("bad-vector", why=error)) from error
        return vector if len(vector) == index.dim else self.opened.in_index(vector, index)

    def _hint(self, index: IndexEntry, kind: Modality) -> Note:
        """Why ``index`` cannot be asked by ``kind``, and what can be done."""
        texts = self.opened.snapshot.spaces(Modality.TEXT)
        if index.modality != Modality.TEXT and {
            self.opened.asked_in(index),
            self.asker.space(kind),
        } <= {*texts}:
            return Note("only-texts", medium=index.modality, by=kind)
        return Note("too-few", medium=index.modality, by=kind, pairs=self.pairs())

    def pairs(self) -> int:
        """How many items with two media a projection is fitted on, at least."""
        spec = self.opened.snapshot.manifest.specs.get("fit", {})
        return FitSpec.model_validate(spec).min_pairs
