"""Answers that differ: each next one is like the query, and unlike those before it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmcore.types import Ids, Vectors


def mmr(
    items: Ids, scores: NDArray[Any], vectors: Vectors, share: float, k: int
) -> NDArray[np.intp]:
    """Positions (at most ``k``,) of the items to answer with, in that order.

    Maximal marginal relevance (Carbonell and Goldstein, 1998): the next item is the one with the
    largest (1 - ``share``) * score - ``share`` * the largest likeness to one that is taken. So 0
    leaves the order as it is; 1 looks at likeness alone, after the best one. Equal ones come by
    score, then by smaller id.

    ``items`` (n,), ``scores`` (n,) of any scale, higher is better, ``vectors`` (n, d) float32 with
    unit rows, or zeros for an item without one, which is like nothing. Two spaces may spread very
    differently, so both sides are brought to one scale, which the paper leaves open: scores from
    the list's lowest, 0, to its highest, 1; likeness from what two items of the list have on
    average, 0, to equality, 1. Less than usual counts as usual.
    """
    order = np.lexsort((items, -np.asarray(scores, dtype=np.float64)))
    gains = (1 - share) * _scaled(np.asarray(scores, dtype=np.float64)[order])
    rows = vectors[order]
    usual = _usual(rows)
    likest = np.zeros(len(order))
    taken: list[int] = []
    left = np.ones(len(order), dtype=bool)
    for _ in range(min(k, len(order))):
        best = int(np.argmax(np.where(left, gains - share * likest, -np.inf)))
        taken.append(best)
        left[best] = False
        likeness = (rows @ rows[best]).astype(np.float64)
        likest = np.maximum(likest, (likeness - usual) / (1 - usual))
    found: NDArray[np.intp] = order[taken] if taken else order[:0]
    return found


def _scaled(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """From 0 to 1; equal scores are all 1."""
    if not len(scores) or (spread := float(np.ptp(scores))) == 0:
        return np.ones(len(scores))
    scaled: NDArray[np.float64] = (scores - scores.min()) / spread
    return scaled


def _usual(vectors: Vectors) -> float:
    """The mean inner product of two rows that are not zero; 0 of fewer than two, or of equal ones.

    The sum over all pairs is the square of the sum, less each row with itself.
    """
    rows = vectors[np.any(vectors, axis=1)].astype(np.float64)
    if (count := len(rows)) < 2:  # noqa: PLR2004 - a pair
        return 0.0
    total = float(np.square(rows.sum(axis=0)).sum()) - count
    mean = total / (count * (count - 1))
    return mean if mean < 1 - 1e-6 else 0.0
