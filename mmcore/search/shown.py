"""Ranked items → hits: the file, the span and the text to show, and why each is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from mmcore.search.hits import Best, Catalog
from mmcore.search.planning import Plan
from mmcore.search.ranking.blended import Column
from mmcore.search.ranking.lists import NO_SEGMENT, WORDS
from mmcore.search.ranking.ranked import Ranked
from mmcore.types import Hit, Ids, Reason
from storage.schemas import FUSED, Modality


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """What one list says of one item."""

    by: str
    score: float
    segment: int
    worth: float  # its part of the item's score

    @property
    def modality(self) -> Modality:
        """Of its segment."""
        return Modality.TEXT if self.by == WORDS else Modality(self.by)


@dataclass(frozen=True, slots=True)
class Shown:
    """Makes the hits of one snapshot."""

    catalog: Catalog

    def hits(self, plan: Plan, ranked: Ranked) -> tuple[Hit, ...]:
        """The answers as people see them."""
        whole = plan.within.modalities == (None,) and all(
            target.entry.modality == FUSED for target in plan.targets
        )
        told = [
            sorted(_told(ranked, place), key=lambda one: -one.worth)
            for place in range(len(ranked))
        ]
        words: list[tuple[str, ...]] = [()] * len(ranked)
        if plan.wording is not None:
            words = plan.wording.matched(ranked.items)
        catalog = self.catalog.of(ranked.items, _segments(told))
        return tuple(
            _hit(catalog, ranked, place, whole, Brought(told[place], words[place]))
            for place in range(len(ranked))
        )


@dataclass(frozen=True, slots=True, eq=False)
class Brought:
    """What brought one item up: what lists say of it, and the words that it has."""

    told: list[Told]
    words: tuple[str, ...]


def _segments(told: list[list[Told]]) -> dict[Modality, Ids]:
    """The segments that brought items up, by medium."""
    found: dict[Modality, list[int]] = {}
    for one in (one for some in told for one in some if one.segment != NO_SEGMENT):
        found.setdefault(one.modality, []).append(one.segment)
    return {modality: np.array(ids, dtype=np.int64) for modality, ids in found.items()}


def _hit(catalog: Catalog, ranked: Ranked, place: int, whole: bool, brought: Brought) -> Hit:
    item, score = int(ranked.items[place]), float(ranked.scores[place])
    first = None if whole else _standing(brought.told)
    if first is None:
        hit = catalog.item_hit(item, score)
    else:
        hit = catalog.segment_hit(first.modality, Best(item, first.segment, score))
    why = (_reason(catalog, one, brought.words) for one in brought.told)
    return replace(hit, why=(*why,), duplicates=int(ranked.duplicates[place]))


def _reason(catalog: Catalog, told: Told, words: tuple[str, ...]) -> Reason:
    said = words if told.by == WORDS else ()
    if told.segment == NO_SEGMENT:
        return Reason(told.by, told.score, words=said)
    span = catalog.span(told.modality, told.segment)
    return Reason(told.by, told.score, told.segment, span, said)


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
