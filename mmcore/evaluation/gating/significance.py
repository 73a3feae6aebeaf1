"""Whether drops are more than chance: sign flips by group, one correction for all rows.

The paired randomisation test of Fisher, with the single-step max-T correction of Westfall and
Young (Resampling-Based Multiple Testing, 1993), which holds for rows that are correlated.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mmcore.types import Ids

Differences = NDArray[np.float64]

RESAMPLES: Final = 2000
"""Of the bootstrap."""

_TIE: Final = 1e-9
"""Sums of the same numbers in another order are equal: what is as large counts as large."""

_WORD: Final = 64  # bits of one draw


@dataclass(frozen=True, slots=True, eq=False)
class Tested:
    """One value a row."""

    p: NDArray[np.float64]
    adjusted: NDArray[np.float64]


def flipped(
    differences: Differences, groups: Ids, *, flips: int, seed: int, rows_at_once: int = 256
) -> Tested:
    """Test every column of ``differences`` (q, c), before − after; NaN: was not asked.

    One-sided: a small p says that a column fell by more than the sign of each group's sum, were
    it a matter of chance, would bring about. All columns share the flips, so what they have in
    common is not paid twice. A column's statistic is its sum over the root of its groups' squared
    sums. With no more than ``flips`` ways to set the signs all are taken: then p is exact, and the
    signs as they are is one of them.

    Args:
        differences: (q, c).
        groups: (q,) queries of one group are flipped together: they are not independent.
        flips: random ones.
        seed: decides them; equal arguments, equal result, whatever ``rows_at_once`` is.
        rows_at_once: flips that are held, as signs of all groups.
    """
    sums = _sums(differences, groups)
    sums = sums[np.any(sums != 0, axis=1)]
    scale = np.sqrt(np.sum(sums**2, axis=0))
    scaled = sums / np.where(scale > 0, scale, 1.0)
    whole = np.sum(scaled, axis=0)
    least = whole - _TIE
    exact = len(sums) < _WORD and 2 ** len(sums) <= flips
    counts = np.zeros((2, len(least)), dtype=np.int64)
    total = 0
    for turned in _all(len(sums)) if exact else _random(len(sums), flips, seed, rows_at_once):
        found = whole - 2.0 * (turned @ scaled)
        counts[0] += np.count_nonzero(found >= least, axis=0)
        most = found.max(axis=1, initial=-np.inf)
        counts[1] += np.count_nonzero(most[:, None] >= least, axis=0)
        total += len(turned)
    p, adjusted = counts / total if exact else (1 + counts) / (1 + total)
    return Tested(p, adjusted)


def intervals(
    differences: Differences, groups: Ids, *, seed: int, resamples: int = RESAMPLES
) -> NDArray[np.float64]:
    """(c, 2) the 95 % interval of each column's mean: percentiles of a bootstrap over groups.

    Of each column alone: nothing is corrected. NaN: was not asked.
    """
    sums, asked = _sums(differences, groups), _sums((~np.isnan(differences)) * 1.0, groups)
    random = np.random.default_rng(seed)
    means = np.zeros((resamples, differences.shape[1]))
    for place in range(resamples):
        drawn = np.bincount(random.integers(0, len(sums), len(sums)), minlength=len(sums))
        means[place] = (drawn @ sums) / np.maximum(drawn @ asked, 1.0)
    found: NDArray[np.float64] = np.percentile(means, [2.5, 97.5], axis=0).T
    return found


def interval(differences: Differences, groups: Ids, *, seed: int) -> tuple[float, float]:
    """The 95 % interval of the mean of (q,) differences: bootstrap over groups."""
    low, high = intervals(differences[:, None], groups, seed=seed)[0].tolist()
    return low, high


def _sums(differences: Differences, groups: Ids) -> Differences:
    """(g, c) what the queries of each group add up to."""
    unique, place = np.unique(groups, return_inverse=True)
    sums = np.zeros((len(unique), differences.shape[1]))
    np.add.at(sums, place, np.nan_to_num(differences, nan=0.0))
    return sums


def _all(groups: int) -> Iterator[Differences]:
    """Every way to set the signs, 1 for a turned one: (2 ** groups, groups)."""
    ways = np.arange(2**groups, dtype=np.int64)[:, None] >> np.arange(groups)
    yield (ways & 1).astype(np.float64)


def _random(groups: int, flips: int, seed: int, at_once: int) -> Iterator[Differences]:
    """(at most ``at_once``, groups), 1 for a turned sign; by a flip's number, not its block."""
    random = np.random.default_rng(seed)
    words = -(-groups // _WORD)
    for start in range(0, flips, at_once):
        rows = min(at_once, flips - start)
        drawn = random.integers(0, 2**_WORD, size=(rows, words), dtype=np.uint64)
        bits = np.unpackbits(drawn.astype("<u8").view(np.uint8), axis=1, count=groups)
        yield bits.astype(np.float64)
