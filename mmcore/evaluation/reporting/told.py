"""One direction as a report tells it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from mmcore.evaluation.classes import accuracy
from mmcore.evaluation.outcomes import HELD_OUT, Measured, Outcome
from mmcore.evaluation.scores import Direction, Worst

_CATEGORIES: Final = 20  # the most frequent ones
OTHER: Final = "…"
"""Stands for all rarer labels."""

By = dict[str, dict[str, float]]


def direction_of(measured: Measured, worst: Sequence[Worst]) -> Direction:
    """Means over the full gallery, and beside them those over what the baseline has, too."""
    full, common = measured.full, measured.common
    ranking = full.ranking
    missed = np.where(ranking.first == 0, ranking.sizes + 1, ranking.first)
    return Direction(
        name=full.name,
        set=full.set,
        kind=full.kind,
        queries=len(full.queries),
        gallery=full.gallery,
        means={**full.means(), **accuracy(full)},
        median_rank=float(np.median(missed)),
        chance=float(np.mean(ranking.relevant / np.maximum(ranking.sizes, 1))),
        without_results=[
            q for q, f in zip(full.queries, ranking.found, strict=True) if not len(f)
        ],
        worst=list(worst),
        by_mask=_by(full, full.masks),
        by_language=_by(full, full.languages) if full.set != HELD_OUT else {},
        by_category=_by(full, _frequent(full.categories)),
        confusion=confusion(full),
        common={} if common is None else common.means(),
        common_queries=0 if common is None else len(common.queries),
    )


def confusion(outcome: Outcome) -> dict[str, dict[str, int]]:
    """Right label → label of what came first → queries, the most frequent labels first.

    Queries whose item has no label are left out; at most 20 labels, all others are one.
    """
    labels = _labels([*outcome.categories, *outcome.top])
    counts: dict[str, Counter[str]] = {}
    for right, found in zip(outcome.categories, outcome.top, strict=True):
        if right:
            shown = (found if found in labels else OTHER) if found else ""
            counts.setdefault(right if right in labels else OTHER, Counter())[shown] += 1
    order = [label for label in [*labels, OTHER] if label in counts]
    return {label: dict(counts[label].most_common()) for label in order}


def gap(directions: Sequence[Direction], measure: str = "Success@10") -> By:
    """Target → ``zh``, ``en`` and ``difference``: how much better one language asks for it."""
    found: By = {}
    told = {d.name: d.means for d in directions if d.set == HELD_OUT and measure in d.means}
    for name, means in told.items():
        source, _, target = name.partition("→")
        if source == "text:zh" and (other := told.get(f"text:en→{target}")) is not None:
            zh, en = means[measure], other[measure]
            found[target] = {"zh": zh, "en": en, "difference": zh - en}
    return found


def _frequent(labels: Sequence[str | None]) -> list[str | None]:
    kept = _labels(labels)
    return [None if not label else label if label in kept else OTHER for label in labels]


def _labels(labels: Sequence[str | None]) -> Mapping[str, int]:
    """The most frequent labels, in that order."""
    counts = Counter(label for label in labels if label)
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:_CATEGORIES])


def _by(outcome: Outcome, kinds: Sequence[str | None]) -> By:
    """Kind → ``queries`` and the mean of each measure; what has no kind is left out."""
    places: dict[str, list[int]] = {}
    for place, kind in enumerate(kinds):
        if kind is not None:
            places.setdefault(kind, []).append(place)
    return {
        kind: {"queries": float(len(mine)), **outcome.take(mine).means()}
        for kind, mine in sorted(places.items())
    }
