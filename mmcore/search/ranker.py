"""The lists of a search → its answers in order: comparable, blended, thinned out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from mmcore.search.among import among
from mmcore.search.nearest import Nearest, Wanted
from mmcore.search.opened import Opened
from mmcore.search.planning import Plan
from mmcore.search.ranking.blended import Column, ranks, union
from mmcore.search.ranking.collapsed import collapse
from mmcore.search.ranking.diverse import mmr
from mmcore.search.ranking.lists import NO_SEGMENT, WORDS, Listed
from mmcore.search.ranking.ranked import Ranked
from mmcore.search.ranking.weights import Weights
from mmcore.types import Ids, Vectors
from storage.manifest import IndexEntry
from storage.schemas import FUSED

_MORE: Final = 4  # times what is wanted, from each list: those of one list may be far down another
_LEAST: Final = 200  # items of each list, for the same reason
_MOST: Final = 3200  # but no more of each than this, unless more are wanted
_DEEPER: Final = 4  # times, where too few are left after nearly equal ones are put together
_SAME: Final = 0.98  # cosine from which on items are nearly equal


@dataclass(frozen=True, slots=True)
class Ranker:
    """Ranks the searches of one snapshot; safe to share among threads."""

    opened: Opened
    nearest: Nearest
    weights: Weights

    def wanted(self, plan: Plan, vectors: Sequence[Vectors]) -> list[Wanted]:
        """What is asked of the indexes of a search, for which it has the vectors (d,)."""
        return _wanted(plan, vectors, self._depth(plan))

    def ranked(self, plan: Plan, wanted: Sequence[Wanted], lists: Sequence[Listed]) -> Ranked:
        """The answers of a search, those that are skipped left out; k of them where k exist."""
        count = self._depth(plan)
        while True:
            found = [*lists, *self._worded(plan, count)]
            ranked = self._thinned(plan, self._blended(plan, wanted, found))
            if len(ranked) >= plan.reach or all(len(listed) < count for listed in found):
                return ranked.take(slice(plan.request.offset, plan.reach))
            count *= _DEEPER
            wanted = _wanted(plan, [one.vector for one in wanted], count)
            lists = self.nearest.lists(wanted)

    def _depth(self, plan: Plan) -> int:
        """How many items are asked of each list.

        Pages of one search mostly ask for the same ones, so that none comes twice.
        """
        thinned = plan.request.collapse or plan.request.diversity > 0
        if not (plan.several or thinned or plan.wording is not None):
            return plan.reach
        depth = _LEAST
        while depth < min(_MORE * plan.reach, _MOST):
            depth *= _DEEPER
        return max(depth, plan.reach)

    def _worded(self, plan: Plan, count: int) -> Iterator[Listed]:
        if plan.wording is not None:
            within = plan.within
            yield plan.wording.listed(count, within.with_words(), within.asked_items)

    def _blended(self, plan: Plan, wanted: Sequence[Wanted], lists: Sequence[Listed]) -> Ranked:
        items = union(lists)
        columns = [
            self._column(plan, one, listed, items)
            for one, listed in zip(wanted, lists, strict=False)  # the words come last
        ]
        if plan.wording is not None:
            columns.append(_of_words(plan, lists[-1], items))
        return Ranked.of(items, self._weighted(plan, columns), plan.request.method)

    def _column(self, plan: Plan, one: Wanted, listed: Listed, items: Ids) -> Column:
        """What an index says of all items, those that other lists found among them."""
        place = np.searchsorted(items, listed.item_ids)
        scores = np.full(len(items), np.nan)
        segments = np.full(len(items), NO_SEGMENT, dtype=np.int64)
        scores[place], segments[place] = listed.scores, listed.segment_ids
        missing = np.flatnonzero(np.isnan(scores))
        if len(missing):
            scores[missing], segments[missing] = self.nearest.scores(
                one.target, one.vector, items[missing]
            )
        if plan.several:
            scale = self.opened.background(one.target.entry).scale(one.vector)
            scores = scale.comparable(scores)
        return Column(listed.by, scores, segments, ranks(listed, items), weight=1.0)

    def _weighted(self, plan: Plan, columns: Sequence[Column]) -> list[Column]:
        """Lists with their weights: those of vectors share what the words leave.

        By ranks all count alike, unless the share of the words was told.
        """
        if plan.request.method == "rrf" and plan.request.words is None:
            return [*columns]
        of_vectors = {c.by: self.weights.of(c.by) for c in columns if c.by != WORDS}
        total = sum(of_vectors.values()) or 1.0
        return [
            replace(
                column,
                weight=plan.share
                if column.by == WORDS
                else (1 - plan.share) * of_vectors[column.by] / total,
            )
            for column in columns
        ]

    def _thinned(self, plan: Plan, ranked: Ranked) -> Ranked:
        """Nearly equal items put together, and the first answers chosen for variety."""
        request = plan.request
        if not len(ranked) or not (request.collapse or request.diversity):
            return ranked
        vectors = self._vectors(plan, ranked)
        if request.collapse:
            kept, duplicates = collapse(ranked.items, vectors, _SAME)
            ranked, vectors = ranked.take(kept), vectors[kept]
            ranked = replace(ranked, duplicates=np.asarray(duplicates, dtype=np.int64))
        if request.diversity:
            chosen = mmr(ranked.items, ranked.scores, vectors, request.diversity, plan.reach)
            ranked = ranked.take(chosen)
        return ranked

    def _vectors(self, plan: Plan, ranked: Ranked) -> Vectors:
        """Unit vectors (n, d) by which items are compared with each other; zero where none is.

        What the one index that was searched has of them, else their fused vectors.
        """
        entry = self._compared(plan)
        if entry is None:
            return np.zeros((len(ranked), 1), dtype=np.float32)
        if entry.modality == FUSED:
            rows = ranked.items
        else:
            by = {column.by: column.segment_ids for column in ranked.columns}
            rows = by[entry.modality]
        vectors = np.zeros((len(ranked), entry.dim), dtype=np.float32)
        held = among(rows, self.opened.held(entry))
        vectors[held] = self.opened.index(entry).vectors_of(rows[held])
        return vectors

    def _compared(self, plan: Plan) -> IndexEntry | None:
        if len(plan.targets) == 1:
            return plan.targets[0].entry
        fused = (one for one in self.opened.snapshot.manifest.indexes if one.modality == FUSED)
        searched = (target.entry for target in plan.targets)
        return next(fused, None) or next(searched, None)


def _wanted(plan: Plan, vectors: Sequence[Vectors], count: int) -> list[Wanted]:
    return [
        Wanted(target, vector, count) for target, vector in zip(plan.targets, vectors, strict=True)
    ]


def _of_words(plan: Plan, listed: Listed, items: Ids) -> Column:
    """What the words say of all items: nothing is an answer too."""
    if plan.wording is None:
        raise ValueError("a search without words has no list of them")
    scores, segments = plan.wording.scores(items)
    return Column(WORDS, scores, segments, ranks(listed, items), weight=1.0)
