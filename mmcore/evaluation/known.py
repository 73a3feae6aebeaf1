"""How well captions that were learned from still find their own items.

No score of retrieval, and in no report of a snapshot: a model has seen what it is asked here. It
tells whether another model has lost what one that serves had learned.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Final

import numpy as np

from mmcore.encoders.projections import FittedOn
from mmcore.evaluation import measures
from mmcore.evaluation.directions import Bench
from mmcore.evaluation.queries import Question, medium
from storage.schemas import Modality

MOST: Final = 1000
"""Captions of one direction, the first by content id: a choice by hash."""

Known = Mapping[str, Mapping[str, float]]
"""Direction (``text:en→image``) → caption's content → reciprocal rank of its own item."""


def known(bench: Bench, seen: FittedOn) -> Known:
    """Ask for media and fused vectors with captions that models have ``seen``.

    Galleries and right answers are those of held-out captions (``evaluate``): all that the lake
    has, less the caption itself, and items with an equal caption. Who is asked, ``seen`` and the
    lake's rows decide alone: models of the same rows are asked the same.
    """
    found: dict[str, Mapping[str, float]] = {}
    for source, target, space in _directions(bench):
        if bench.vectors.can_ask(source, space):
            found[f"{source}→{target}"] = _ranks(bench, source, target, space, seen)
    return {name: of for name, of in found.items() if of}


def mute(bench: Bench) -> bool:
    """Whether captions could find media, and none can be asked with: their words are not kept.

    So it is in a private lake whose encoder has another side for queries.
    """
    ways = [bench.vectors.can_ask(source, space) for source, _, space in _directions(bench)]
    return bool(ways) and not any(ways)


def _directions(bench: Bench) -> Iterator[tuple[str, str, str]]:
    """From texts to media and fused vectors, with the space that they share."""
    for source in bench.pairs.sides:
        if medium(source) != Modality.TEXT:
            continue
        for target in bench.targets:
            space = None if target.startswith(Modality.TEXT) else bench.common(source, target)
            if space is not None:
                yield source, target, space


def _ranks(
    bench: Bench, source: str, target: str, space: str, seen: FittedOn
) -> Mapping[str, float]:
    chosen = list(islice(_answered(bench, source, target, space, seen), MOST))
    if not chosen:
        return {}
    bench.vectors.prepare(chosen, space)
    ranking = bench.ranked(target, space, chosen)
    able = np.flatnonzero(ranking.relevant).tolist()
    if not able:
        return {}
    ranking = ranking.take(able)
    scores = measures.per_query(ranking.hits, ranking.relevant, ())["RR"].tolist()
    return {chosen[place].content_id: one for place, one in zip(able, scores, strict=True)}


def _answered(
    bench: Bench, source: str, target: str, space: str, seen: FittedOn
) -> Iterator[Question]:
    gallery = bench.galleries.of(target, space)
    asked = bench.pairs.known(source, bench.held_out, seen)
    return (question for question in asked if gallery.holds_any(question.right))
