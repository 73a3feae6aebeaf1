"""Vectors → the items that an index has nearest to each, as many as are wanted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mmcore.search.among import among
from mmcore.search.opened.opened import Opened
from mmcore.search.ranking.away import Away
from mmcore.search.ranking.lists import NO_SEGMENT, Listed, Scores
from mmcore.types import Ids, Vectors
from storage.manifest import IndexEntry
from storage.schemas import FUSED, Modality

_FIRST: Final = 2  # segments an item that are fetched at first: many may be of few items
_WIDER: Final = 4  # times, where that brought too few items
_EQUAL: Final = 4096  # rows beyond which any of equal ones will do

_NONE: Final = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """One index, and what of it may be found.

    Args:
        entry: the index.
        rows: ids of its rows that may be found, sorted; None: all.
        items: the items that may be found, sorted; None: all.
        without_items: items that do not come back, sorted.
        without_rows: segments that do not, sorted.
    """

    entry: IndexEntry
    rows: Ids | None = None
    items: Ids | None = None
    without_items: Ids = field(default_factory=_NONE.copy)
    without_rows: Ids = field(default_factory=_NONE.copy)

    @property
    def most(self) -> int:
        """How many rows there are to be found."""
        return self.entry.rows if self.rows is None else len(self.rows)

    def may(self, ids: Ids, rows: Ids | None, without: Ids) -> NDArray[np.bool_]:
        """Which of ``ids`` (n,) are among ``rows``, if those are told, and not ``without``."""
        kept = np.ones(len(ids), dtype=bool) if rows is None else among(ids, rows)
        return kept & ~among(ids, without) if len(without) else kept


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """``count`` items that a target has nearest to a vector (d,); what is ``away`` loses later."""

    target: Target
    vector: Vectors
    count: int
    away: Away | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What an index gave: items, and the score of the last of its rows."""

    listed: Listed
    last: float

    def settled(self, count: int, depth: int) -> bool:
        """Whether the first ``count`` items are those that come first, whatever else there is."""
        if len(self.listed) < count:
            return False
        return depth > _EQUAL or bool(self.listed.scores[count - 1] > self.last)


@dataclass(frozen=True, slots=True)
class Nearest:
    """Searches the indexes of one snapshot; safe to share among threads."""

    opened: Opened

    def lists(self, wanted: Sequence[Wanted]) -> list[Listed]:
        """One list for each that is wanted: ``count`` items wherever there are as many.

        Those that search the same rows of an index as deep are searched together. An index is
        asked for more where the segments that it found are of too few items, or where what comes
        next may score as the last that is wanted does: of equal ones an index gives any.
        """
        found: dict[int, Found] = {}
        depths = {number: self._depth(one) for number, one in enumerate(wanted)}
        while depths:
            for numbers in _alike(wanted, depths):
                alike = [wanted[number] for number in numbers]
                lists = self._searched(alike, depths[numbers[0]])
                found.update(zip(numbers, lists, strict=True))
            depths = {
                number: depth * _WIDER
                for number, depth in depths.items()
                if depth < wanted[number].target.most
                and not found[number].settled(wanted[number].count, depth)
            }
        return [found[number].listed.first(one.count) for number, one in enumerate(wanted)]

    def scores(self, target: Target, vector: Vectors, items: Ids) -> tuple[Scores, Ids]:
        """Of items (n,) the score of each in a target, by its best segment there: (n,), (n,).

        NaN and ``NO_SEGMENT`` where the target has nothing of an item.
        """
        rows, owners = self._rows_of(target, items)
        held = among(rows, self.opened.held(target.entry))
        held &= target.may(rows, target.rows, target.without_rows)
        rows, owners = rows[held], owners[held]
        scores = np.full(len(items), np.nan)
        segments = np.full(len(items), NO_SEGMENT, dtype=np.int64)
        if len(rows):
            each = self.opened.index(target.entry).vectors_of(rows) @ vector
            best = Listed.of(target.entry.modality, owners, each, rows)
            scores[best.item_ids] = best.scores
            if target.entry.modality != FUSED:
                segments[best.item_ids] = best.segment_ids
        return scores, segments

    def _rows_of(self, target: Target, items: Ids) -> tuple[Ids, Ids]:
        """Ids of the rows of items, and the place in ``items`` of each one's."""
        if target.entry.modality == FUSED:
            return items, np.arange(len(items))
        return self.opened.owners(Modality(target.entry.modality)).segments_of(items)

    def _depth(self, one: Wanted) -> int:
        gone = len(one.target.without_items) + len(one.target.without_rows)
        each = 1 if one.target.entry.modality == FUSED else _FIRST
        return each * one.count + gone + 1

    def _searched(self, wanted: Sequence[Wanted], depth: int) -> Iterator[Found]:
        target = wanted[0].target
        index = self.opened.index(target.entry)
        queries = np.stack([one.vector for one in wanted])
        scores, ids = index.search(queries, min(depth, target.most), target.rows)
        for row, one in enumerate(wanted):
            last = float(scores[row][-1]) if scores.shape[1] else -np.inf
            yield Found(self._listed(one.target, ids[row], scores[row]), last)

    def _listed(self, target: Target, ids: Ids, scores: NDArray[Any]) -> Listed:
        kept = (ids >= 0) & target.may(ids, None, target.without_rows)
        ids, scores, by = ids[kept], scores[kept], target.entry.modality
        if by == FUSED:
            found = Listed.of(by, ids, scores)
        else:
            found = self.opened.owners(Modality(by)).listed(by, ids, scores)
        return found.kept(target.may(found.item_ids, target.items, target.without_items))


def _alike(wanted: Sequence[Wanted], depths: dict[int, int]) -> list[list[int]]:
    """Numbers of those that can be searched in one call."""
    groups: dict[tuple[str, int, int], list[int]] = {}
    for number, depth in depths.items():
        target = wanted[number].target
        groups.setdefault((target.entry.path, id(target.rows), depth), []).append(number)
    return [*groups.values()]
