"""Whether drops are more than chance: sign flips by group, one correction for all rows.

The paired randomisation test of Fisher, with the step-down-free max-T correction of Westfall and
Young (Resampling-Based Multiple Testing, 1993), which holds for rows that are correlated.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmcore.types import Ids

Differences = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Tested:
    """One value a row."""

    p: NDArray[np.float64]
    adjusted: NDArray[np.float64]


def flipped(
    differences: Differences, groups: Ids, *, flips: int, seed: int, rows_at_once: int = 256
) -> Tested:
    """Test every column of ``differences`` (q, c), before − after; NaN: was not asked."""
    raise NotImplementedError


def interval(differences: Differences, groups: Ids, *, seed: int) -> tuple[float, float]:
    """The 95 % interval of the mean of (q,) differences: bootstrap over groups."""
    raise NotImplementedError
