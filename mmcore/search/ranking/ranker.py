"""The lists of a search → its answers in order: comparable, blended, thinned out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from mmcore.search.among import among
from mmcore.search.opened.nearest import Nearest, Target, Wanted
from mmcore.search.opened.opened import Opened
from mmcore.search.planning.plan import Plan
from mmcore.search.ranking import stages
from mmcore.search.ranking.away import Aim, Away, loss
from mmcore.search.ranking.blended import Column, ranks, union
from mmcore.search.ranking.calibrated import Scale
from mmcore.search.ranking.collapsed import collapse
from mmcore.search.ranking.diverse import mmr
from mmcore.search.ranking.lists import NO_SEGMENT, WORDS, Listed, Scores
from mmcore.search.ranking.ranked import Ranked
from mmcore.search.ranking.stages import Stage
from mmcore.search.ranking.weights import Weights
from mmcore.types import Ids, Vectors
from storage.manifest import IndexEntry
from storage.schemas import FUSED

_SAME: Final = 0.98  # cosine from which on items are nearly equal
_NONE: Final = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Ranker:
    """Ranks the searches of one snapshot; safe to share among threads."""

    opened: Opened
    nearest: Nearest
    weights: Weights

    def wanted(self, plan: Plan, aims: Sequence[Aim]) -> list[Wanted]:
        """What is asked of the indexes of a search at first, with what is looked for in each."""
        count = self._depth(plan)
        return [
            Wanted(target, aim.vector, count, aim.away)
            for target, aim in zip(plan.targets, aims, strict=True)
        ]

    def ranked(self, plan: Plan, wanted: Sequence[Wanted], lists: Sequence[Listed]) -> Ranked:
        """The answers of a search, those that are skipped too; as many as it reaches or exist.

        ``lists`` are what was found for what was ``wanted``. Later stages are added behind what
        earlier ones settled: so a place in the order has the same answer on whatever page it is.
        """
        taken: Ranked | None = None
        fetched = wanted[0].count if wanted else 0
        for stage in self._stages(plan):
            if stage.depth > fetched:
                wanted = [replace(one, count=stage.depth) for one in wanted]
                lists, fetched = self.nearest.lists(wanted), stage.depth
            found = [listed.first(stage.depth) for listed in lists]
            found += self._worded(plan, stage.depth)
            ended = all(len(listed) < stage.depth for listed in found)
            ranked = self._blended(plan, wanted, found, stage.depth)
            taken = self._extended(plan, taken, ranked, None if ended else stage.settled)
            if ended or len(taken) >= plan.reach:
                return taken.take(slice(plan.reach))
        raise ValueError("a search has no end of stages")

    def _depth(self, plan: Plan) -> int:
        """How many items are asked of each index at first.

        A long list of an exact index begins as a shorter one, so all stages are made of it.
        """
        depths = (
            stage.depth
            for stage in self._stages(plan)
            if not self._exact(plan) or (stage.settled or stage.depth) >= plan.reach
        )
        return next(depths)

    def _exact(self, plan: Plan) -> bool:
        return all(self.opened.exact(target.entry) for target in plan.targets)

    def _stages(self, plan: Plan) -> Iterator[Stage]:
        """How its lists are looked at; a lone exact list, which is what it is, as deep as wanted.

        Answers that differ are chosen among all of a first look, whatever page is asked for.
        """
        request = plan.request
        if request.diversity:
            return stages.whole(stages.FIRST)
        if plan.several or plan.without or request.collapse or plan.wording is not None:
            return stages.blended()
        return stages.whole(plan.reach if self._exact(plan) else stages.LONE)

    def _worded(self, plan: Plan, count: int) -> Iterator[Listed]:
        if plan.wording is not None:
            within = plan.within
            yield plan.wording.listed(count, within.with_words(), within.asked_items)

    def _others(self, wanted: Sequence[Wanted], count: int) -> list[Listed]:
        """What else there is, beside each list: found by all parts, what is not wanted taken away.

        That may be most of what comes first.
        """
        asked = [
            Wanted(one.target, one.away.less, count) for one in wanted if one.away is not None
        ]
        found = iter(self.nearest.lists(asked))
        return [
            Listed.of(one.target.entry.modality, _NONE, _NONE) if one.away is None else next(found)
            for one in wanted
        ]

    def _blended(
        self, plan: Plan, wanted: Sequence[Wanted], lists: Sequence[Listed], depth: int
    ) -> Ranked:
        others = self._others(wanted, depth)
        items = union([*lists, *others])
        columns = [
            self._column(plan, one, (listed, other), items)
            for one, listed, other in zip(wanted, lists, others, strict=False)  # words come last
        ]
        if plan.wording is not None:
            columns.append(_of_words(plan, lists[-1], items))
        return Ranked.of(items, self._weighted(plan, columns), plan.request.method)

    def _column(self, plan: Plan, one: Wanted, lists: tuple[Listed, Listed], items: Ids) -> Column:
        """What an index says of all items, those that other lists found among them.

        ``lists``: what was found for it, and what else there is.
        """
        listed, other = lists
        place = np.searchsorted(items, listed.item_ids)
        scores = np.full(len(items), np.nan)
        segments = np.full(len(items), NO_SEGMENT, dtype=np.int64)
        scores[place], segments[place] = listed.scores, listed.segment_ids
        missing = np.flatnonzero(np.isnan(scores))
        if len(missing):
            scores[missing], segments[missing] = self.nearest.scores(
                one.target, one.vector, items[missing]
            )
        if one.away is not None:
            scores -= self._loss(one, one.away, items)
            there = among(items, union([listed, other]))
            listed = Listed.of(listed.by, items[there], scores[there], segments[there])
        if plan.several:
            scores = self._scale(one.target, one.vector).comparable(scores)
        return Column(listed.by, scores, segments, ranks(listed, items), weight=1.0)

    def _loss(self, one: Wanted, away: Away, items: Ids) -> Scores:
        """What items (n,) lose of their scores for what is not wanted."""
        lost = np.zeros(len(items))
        for vector, weight in zip(away.vectors, away.weights, strict=True):
            near, _ = self.nearest.scores(one.target, vector, items)
            lost += weight * loss(near, self._scale(one.target, vector))
        return lost * self._scale(one.target, one.vector).spread

    def _scale(self, target: Target, vector: Vectors) -> Scale:
        return self.opened.background(target.entry).scale(vector)

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

    def _extended(
        self, plan: Plan, taken: Ranked | None, ranked: Ranked, settled: int | None
    ) -> Ranked:
        """What earlier stages took, and behind it what this one ranked, ``settled`` together.

        Nearly equal items are put together, and the first answers are chosen for variety.
        """
        request, first = plan.request, taken is None
        before = 0 if taken is None else len(taken)
        if taken is not None:
            ranked = taken.then(ranked)
        if request.collapse or (request.diversity and first):
            vectors = self._vectors(plan, ranked)
        if request.collapse:
            ranked, vectors = _collapsed(ranked, vectors, before)
        if request.diversity and first:
            chosen = mmr(ranked.items, ranked.scores, vectors, request.diversity, plan.reach)
            ranked = ranked.take(chosen)
        return ranked if settled is None else ranked.take(slice(max(settled, before)))

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


def _of_words(plan: Plan, listed: Listed, items: Ids) -> Column:
    """What the words say of all items: nothing is an answer too."""
    if plan.wording is None:
        raise ValueError("a search without words has no list of them")
    scores, segments = plan.wording.scores(items)
    return Column(WORDS, scores, segments, ranks(listed, items), weight=1.0)


def _collapsed(ranked: Ranked, vectors: Vectors, before: int) -> tuple[Ranked, Vectors]:
    """Without items that are nearly equal to one further up; the first ``before`` stay."""
    kept, duplicates = collapse(ranked.items, vectors, _SAME)
    counts = ranked.duplicates.copy()
    new = kept >= before
    counts[kept[new]] = duplicates[new]
    places = np.concatenate([np.arange(before), kept[new]])
    return replace(ranked, duplicates=counts).take(places), vectors[places]
