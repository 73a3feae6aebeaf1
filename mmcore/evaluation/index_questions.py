"""What the built indexes are asked with: the lake's own queries, of all directions at once."""

from __future__ import annotations

import numpy as np

from mmcore.evaluation.directions import Bench, Chosen
from mmcore.evaluation.queries import Question
from mmcore.types import Vectors

IndexKey = tuple[str, str]
"""The modality of an index, or "fused", and its space."""

Asking = tuple[Question, Vectors]
"""A question and its vector (d,)."""


def query_vectors(bench: Bench) -> dict[IndexKey, Vectors]:
    """Index → what it is asked with (n, d), by content id."""
    return {
        index: np.stack([of[content][1] for content in sorted(of)])
        for index, of in for_indexes(bench).items()
    }


def for_indexes(bench: Bench, most: int | None = None) -> dict[IndexKey, dict[str, Asking]]:
    """Index → content → its question and vector, at most so many of a direction (``first``).

    A content that asks on two sides, as a video by its frames and its sound, asks on one.
    """
    found: dict[IndexKey, dict[str, Asking]] = {}
    for source, space, targets in bench.ways():
        if not bench.vectors.can_ask(source, space):
            continue
        chosen = {t: first(bench, bench.chosen(source, t, space), most) for t in targets}
        bench.vectors.prepare([question for of in chosen.values() for question in of], space)
        for target in (t for t in targets if chosen[t]):
            lies_in, vectors = bench.made(target, space, chosen[target])
            index = found.setdefault((target.partition(":")[0], lies_in), {})
            for question, vector in zip(chosen[target], vectors, strict=True):
                index.setdefault(question.content_id, (question, vector))
    return found


def first(bench: Bench, chosen: Chosen, most: int | None) -> list[Question]:
    """Those who ask, at most so many; beside a baseline, only the first of the common ones.

    So both have the same queries, but for those that one of them has no vector of.
    """
    if bench.terms.world is None:
        return chosen.asked[:most]
    wanted = set(sorted(chosen.common)[:most])
    return [question for question in chosen.asked if question.content_id in wanted]
