"""Exact search in NumPy: what every index is tested against."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_BLOCK: Final = 1 << 24  # scores held at once


def exact_search(
    ids: NDArray[np.int64], base: NDArray[np.float32], queries: NDArray[np.float32], k: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The ``k`` largest inner products: scores (q, k) and ids (q, k), equal scores by smaller id.

    ``base`` is (n, d), ``queries`` (q, d). Where there are fewer than ``k`` rows the score is
    -inf and the id -1.
    """
    scores = np.full((len(queries), k), -np.inf, dtype=np.float32)
    found = np.full((len(queries), k), -1, dtype=np.int64)
    if len(ids) == 0:
        return scores, found
    order = np.argsort(ids)
    base, ids, most = base[order], ids[order], min(k, len(ids))
    step = max(1, _BLOCK // len(ids))
    for start in range(0, len(queries), step):
        for row, products in enumerate(queries[start : start + step] @ base.T, start):
            best = _largest(products, most)
            scores[row, :most], found[row, :most] = products[best], ids[best]
    return scores, found


def _largest(products: NDArray[np.float32], k: int) -> NDArray[np.intp]:
    """Positions of the ``k`` largest, in order; of equals the first."""
    if k == 0:
        return np.empty(0, dtype=np.intp)
    bound = np.partition(products, len(products) - k)[len(products) - k]
    candidates = np.flatnonzero(products >= bound)
    best: NDArray[np.intp] = candidates[np.argsort(-products[candidates], kind="stable")[:k]]
    return best
