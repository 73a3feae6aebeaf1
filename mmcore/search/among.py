"""Which ids are among many others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmcore.types import Ids


def among(ids: Ids, known: Ids) -> NDArray[np.bool_]:
    """Which of ``ids`` (n,) are among the sorted ``known`` (m,).

    ``np.isin`` sorts all of ``known`` each time, which takes longer than a search.
    """
    if not len(known):
        return np.zeros(len(ids), dtype=bool)
    places = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    found: NDArray[np.bool_] = known[places] == ids
    return found
