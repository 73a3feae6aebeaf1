"""Which queries of a user's set are not independent."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from mmcore.evaluation.linked import components
from mmcore.types import Ids


def groups_of(right: Sequence[Collection[int]]) -> Ids:
    """(q,) the smallest item that is right for any query of its group.

    Queries with a right answer in common are one group, and so are those that others join: where
    that item goes, all of them fall. Each query has something right.
    """
    if not right:
        return np.zeros(0, dtype=np.int64)
    counts = [len(of) for of in right]
    every = np.array([item for of in right for item in of], dtype=np.int64)
    items, place = np.unique(every, return_inverse=True)
    joined = components(place, np.repeat(np.arange(len(right)), counts), len(items))
    found: Ids = items[joined[place[np.cumsum(counts) - counts]]]
    return found
