"""Ranked items → hits: the file, the span and the text to show, and why each is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from mmcore.search.hits import Best, Catalog
from mmcore.search.planning import Plan
from mmcore.search.ranking.blended import Column
from mmcore.search.ranking.lists import NO_SEGMENT, WORDS
from mmcore.search.ranking.ranked import Ranked
from mmcore.types import Hit, Reason
from storage.schemas import FUSED, Modality


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What one list says of one item."""

    by: str
    score: float
    segment: int
    worth: float  # its part of the item's score


@dataclass(frozen=True, slots=True)
class Shown:
    """Makes the hits of one snapshot."""

    catalog: Catalog

    def hits(self, plan: Plan, ranked: Ranked) -> tuple[Hit, ...]:
        """The answers as people see them."""
        whole = plan.within.modalities == (None,) and all(
            target.entry.modality == FUSED for target in plan.targets
        )
        return tuple(self._hit(plan, ranked, place, whole) for place in range(len(ranked)))

    def _hit(self, plan: Plan, ranked: Ranked, place: int, whole: bool) -> Hit:
        item = int(ranked.items[place])
        told = sorted(_told(ranked, place), key=lambda one: -one.worth)
        score, first = float(ranked.scores[place]), None if whole else _standing(told)
        if first is None:
            hit = self.catalog.item_hit(item, score)
        else:
            modality = Modality.TEXT if first.by == WORDS else Modality(first.by)
            hit = self.catalog.segment_hit(modality, Best(item, first.segment, score))
        why = (self._reason(plan, item, one) for one in told)
        return replace(hit, why=(*why,), duplicates=int(ranked.duplicates[place]))

    def _reason(self, plan: Plan, item: int, told: Told) -> Reason:
        worded = plan.wording is not None and told.by == WORDS
        words = plan.wording.matched(item) if worded and plan.wording is not None else ()
        if told.segment == NO_SEGMENT:
            return Reason(told.by, told.score, words=words)
        modality = Modality.TEXT if told.by == WORDS else Modality(told.by)
        span = self.catalog.span(modality, told.segment)
        return Reason(told.by, told.score, told.segment, span, words)


def _told(ranked: Ranked, place: int) -> Iterator[Told]:
    """What brought an item up: lists that found it, or that have it above the usual."""
    for column in ranked.columns:
        score, found = float(column.scores[place]), bool(column.ranks[place])
        if found or score > 0:  # NaN is not
            segment = int(column.segment_ids[place])
            yield Told(column.by, score, segment, _worth(column, score))


def _worth(column: Column, score: float) -> float:
    return column.weight * score


def _standing(told: list[Told]) -> Told | None:
    """What shows the item: its best segment among those that were searched, else by words."""
    with_segment = [one for one in told if one.segment != NO_SEGMENT]
    searched = (one for one in with_segment if one.by != WORDS)
    return next(searched, None) or next(iter(with_segment), None)
