"""All rows that are near enough, however many: every row is compared."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from storage.indexes.engine import Engine

_NUMBERS: Final = 1 << 23  # of a block of vectors: 32 MB
_SCORES: Final = 1 << 24  # at once: 64 MB

Near = list[tuple[NDArray[np.int64], NDArray[np.float32]]]
"""Of each query, ids and scores, best first."""


def within(engine: Engine, vectors: NDArray[np.float32], least: float) -> Near:
    """For each query of ``vectors`` (q, d) all rows of at least the score ``least``.

    Of equal scores the smaller id comes first. In blocks: beside what is found, memory does not
    grow with rows or queries. Raises ValueError for queries that do not fit.
    """
    queries = engine.checked(vectors)
    parts: list[list[tuple[NDArray[np.int64], NDArray[np.float32]]]] = [[] for _ in queries]
    if len(queries):
        rows = max(1, _NUMBERS // engine.dim)
        for ids, block in engine.blocks(rows):
            _add(parts, queries, ids, block, least)
    return [_sorted(found) for found in parts]


def _add(
    parts: list[Near],
    queries: NDArray[np.float32],
    ids: NDArray[np.int64],
    block: NDArray[np.float32],
    least: float,
) -> None:
    """Add to each query what it has in one block of rows."""
    step = max(1, _SCORES // len(block))
    for start in range(0, len(queries), step):
        scores = queries[start : start + step] @ block.T
        asked, rows = np.nonzero(scores >= least)
        ends = np.searchsorted(asked, np.arange(len(scores) + 1))
        for query in np.unique(asked):
            mine = rows[ends[query] : ends[query + 1]]
            parts[start + query].append((ids[mine], scores[query, mine]))


def _sorted(found: Near) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    ids = np.concatenate([np.empty(0, np.int64), *(ids for ids, _ in found)])
    scores = np.concatenate([np.empty(0, np.float32), *(scores for _, scores in found)])
    order = np.lexsort((ids, -scores))
    return ids[order], scores[order]
