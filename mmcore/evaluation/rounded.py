"""The best of many scores, as if all were rounded; only those near a threshold are.

Rounding never turns an order round: what is well above a threshold stays above it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

Places = NDArray[np.int64]
Row = NDArray[np.float32]

DIGITS: Final = 6
"""Of a score that is compared: its last bits depend on the block, and equal vectors must tie."""

_STRIPES = 8  # maxima that are looked at, for each rank that is kept


def _slack(score: float) -> float:
    """More than that apart, two scores about as large as ``score`` are not rounded to the same.

    Rounding moves a float32 by half of the last digit, and twice by half of its last bit.
    """
    return 2.0 * 10.0**-DIGITS + 4e-7 * abs(score)


def best_places(scores: Row, depth: int) -> Places:
    """The best ``depth`` places, best first, ties by smaller place; −inf is not among them."""
    least = _least(scores, depth)
    near = np.flatnonzero(scores >= np.float32(least - _slack(least)))
    rounded = np.round(scores[near], DIGITS)
    if not np.isfinite(least):
        near, rounded = near[rounded > -np.inf], rounded[rounded > -np.inf]
    order = np.argsort(-rounded, kind="stable")[:depth]
    found: Places = near[order]
    return found


def _least(scores: Row, depth: int) -> float:
    """A score that at least ``depth`` of ``scores`` reach, and not many more.

    Of so many stripes, each of every so-manieth score, ``depth`` have a maximum that reaches it.
    """
    stripes = _STRIPES * depth
    if len(scores) <= depth:
        return -np.inf
    if len(scores) >= 2 * stripes:
        whole = len(scores) // stripes * stripes
        scores = scores[:whole].reshape(-1, stripes).max(axis=0)
    return float(np.partition(scores, -depth)[-depth])


def first_rank(scores: Row, right: Places) -> int:
    """Rank, from 1, of the best of the places ``right``; 0 where there are none."""
    if not len(right):
        return 0
    best = float(scores[right].max())
    low, high = np.float32(best - _slack(best)), np.float32(best + _slack(best))
    near = np.flatnonzero((scores >= low) & (scores <= high))
    rounded, goal = np.round(scores[near], DIGITS), np.round(np.float32(best), DIGITS)
    place = right[np.round(scores[right], DIGITS) == goal].min()
    before = np.count_nonzero(rounded > goal) + np.count_nonzero(rounded[near < place] == goal)
    return int(1 + np.count_nonzero(scores > high) + before)
