"""Nearly equal items as one answer: the best stands for the others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mmcore.types import Ids, Vectors
from storage.indexes.searching.engine import Engine
from storage.indexes.searching.near import near_duplicates


def collapse(
    items: Ids, vectors: Vectors, least: float
) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Positions (m,) of the items that stand, in order, and (m,) how many others each stands for.

    ``items`` (n,) are best first, each once; ``vectors`` (n, d) float32 have unit rows, or zeros
    for an item without one, which nothing is equal to. Items are nearly equal that score ``least``
    or more, or are joined by a chain of such pairs, as in ``near_duplicates``.
    """
    told = np.flatnonzero(np.any(vectors, axis=1))
    told = told[np.argsort(items[told])]
    place_of = dict(zip(items[told].tolist(), told.tolist(), strict=True))
    stands_for = np.arange(len(items))
    groups = near_duplicates(Engine.over(None, items[told], vectors[told]), least)
    for group in groups if len(told) > 1 else ():
        places = [place_of[item] for item in group.tolist()]
        stands_for[places] = min(places)
    kept = np.flatnonzero(stands_for == np.arange(len(items)))
    counts = np.bincount(stands_for, minlength=len(items))
    return kept, (counts[kept] - 1).astype(np.int64)
