"""Ranked items → hits: the file, the span and the text to show, and why each is there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from mmcore.search.opened.rows import Rows
from mmcore.search.planning.plan import Plan
from mmcore.search.ranking.blended import Column
from mmcore.search.ranking.lists import NO_SEGMENT, WORDS
from mmcore.search.ranking.ranked import Ranked
from mmcore.search.showing.hits import Best, Hits
from mmcore.types import Hit, Ids, Reason
from storage.schemas import FUSED, Modality


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What one list says of one item."""

    by: str
    score: float
    segment: int
    worth: float  # its part of the item's score

    @property
    def modality(self) -> Modality:
        """Of its segment."""
        return Modality.TEXT if self.by == WORDS else Modality(self.by)


class Standing(NamedTuple):
    """The segment that shows an item."""

    modality: Modality
    segment: int


@dataclass(frozen=True, slots=True, eq=False)
class Brought:
    """What brought one item up: what lists say of it, the words that it has, what shows it.

    Without a word that tells something the words are no reason, unless there is no other.
    """

    told: list[Evidence]
    words: tuple[str, ...]
    standing: Standing | None


@dataclass(frozen=True, slots=True)
class Shown:
    """Makes the hits of one snapshot."""

    rows: Rows

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
        brought = [
            Brought(one, words[place], None if whole else self._standing(plan, item, one))
            for place, (item, one) in enumerate(zip(ranked.items.tolist(), told, strict=True))
        ]
        rows = self.rows.of(ranked.items, _segments(brought))
        return tuple(_hit(rows, ranked, place, one) for place, one in enumerate(brought))

    def _standing(self, plan: Plan, item: int, told: list[Evidence]) -> Standing | None:
        """What shows an item: its best segment of a medium that was searched, else one of those.

        So who searches sounds gets one, where the words of another file brought the item up. None:
        its files show it.
        """
        media = plan.within.modalities
        for one in sorted(told, key=lambda one: one.by == WORDS):
            if one.segment != NO_SEGMENT and (media == (None,) or one.modality in media):
                return Standing(one.modality, one.segment)
        for modality in (one for one in media if one is not None):
            rows = self.rows.segments_of(item, modality)
            if plan.within.language is not None:
                rows = [row for row in rows if row["language"] == plan.within.language]
            if rows:
                first = min(rows, key=lambda row: (row["start"] or 0.0, row["segment_id"]))
                return Standing(modality, first["segment_id"])
        return None


def _segments(brought: Sequence[Brought]) -> dict[Modality, Ids]:
    """The segments that brought items up or show them, by medium."""
    found: dict[Modality, list[int]] = {}
    for some in brought:
        for one in some.told:
            if one.segment != NO_SEGMENT:
                found.setdefault(one.modality, []).append(one.segment)
        if some.standing is not None:
            found.setdefault(some.standing.modality, []).append(some.standing.segment)
    return {modality: np.array(ids, dtype=np.int64) for modality, ids in found.items()}


def _hit(rows: Rows, ranked: Ranked, place: int, brought: Brought) -> Hit:
    item, score = int(ranked.items[place]), float(ranked.scores[place])
    if brought.standing is None:
        hit = Hits(rows).of_item(item, score)
    else:
        modality, segment = brought.standing
        hit = Hits(rows).of_segment(modality, Best(item, segment, score))
    told = [one for one in brought.told if brought.words or one.by != WORDS] or brought.told
    why = (_reason(rows, one, brought.words) for one in told)
    return replace(hit, why=(*why,), duplicates=int(ranked.duplicates[place]))


def _reason(rows: Rows, told: Evidence, words: tuple[str, ...]) -> Reason:
    said = words if told.by == WORDS else ()
    if told.segment == NO_SEGMENT:
        return Reason(told.by, told.score, words=said)
    span = rows.span(told.modality, told.segment)
    return Reason(told.by, told.score, told.segment, span, said)


def _told(ranked: Ranked, place: int) -> Iterator[Evidence]:
    """What brought an item up: lists that found it, or that have it above the usual."""
    for column in ranked.columns:
        score, found = float(column.scores[place]), bool(column.ranks[place])
        if found or score > 0:  # NaN is not
            segment = int(column.segment_ids[place])
            yield Evidence(column.by, score, segment, _worth(column, score))


def _worth(column: Column, score: float) -> float:
    return column.weight * score
