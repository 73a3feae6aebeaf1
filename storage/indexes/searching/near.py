"""All rows that are near enough, however many, and groups of those that are nearly the same."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from storage.indexes.searching.engine import Engine

_NUMBERS: Final = 1 << 23  # of a block of vectors: 32 MB
_SCORES: Final = 1 << 24  # at once: 64 MB
_BLOCK: Final = 1024  # rows that are asked together for duplicates
_NEAREST: Final = 16  # neighbours that each is asked for first
_CROWDED: Final = 64  # rows asked together for all that is near

Ids = NDArray[np.int64]
Near = list[tuple[Ids, NDArray[np.float32]]]
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


def near_duplicates(engine: Engine, least: float) -> list[Ids]:
    """Groups of ids whose rows score ``least`` or more with another of their group.

    A group is joined by any chain of such pairs; ids are sorted in it, groups by their first id,
    and rows with no duplicate are in none. Each row asks the index for its nearest, and where all
    of those are near, every row for more: so an exact index gives all pairs, another those that
    it finds, at its recall. In blocks: memory is that of one number a row, beside the groups.
    Rounding moves scores by 1e-6 or so: ``least`` should be below 1 by more.
    """
    held = engine.held()
    groups = _Groups(held)
    for ids, vectors in engine.blocks(_BLOCK):
        scores, found = engine.search(vectors, _NEAREST)
        near = (scores >= least) & (found != ids[:, None])
        rows, columns = np.nonzero(near)
        groups.join(ids[rows], found[rows, columns])
        full = scores[:, -1] >= least
        _join_all(engine, least, groups, ids[full], vectors[full])
    return groups.several()


def _join_all(
    engine: Engine, least: float, groups: _Groups, ids: Ids, vectors: NDArray[np.float32]
) -> None:
    """Join rows with all that is near to them, however many."""
    for start in range(0, len(ids), _CROWDED):
        asked = ids[start : start + _CROWDED]
        for one, (found, _) in zip(
            asked, within(engine, vectors[start : start + _CROWDED], least), strict=True
        ):
            groups.join(np.full(len(found), one), found)


class _Groups:
    """Disjoint groups of ids: each place points to a smaller one of its group, or to itself."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids
        self._parents = np.arange(len(ids))

    def join(self, one: Ids, other: Ids) -> None:
        """Join the groups of ``one`` (m,) and ``other`` (m,), pair by pair."""
        left, right = np.searchsorted(self._ids, one), np.searchsorted(self._ids, other)
        while len(left):
            left, right = self._roots(left), self._roots(right)
            apart = left != right
            left, right = left[apart], right[apart]
            np.minimum.at(self._parents, np.maximum(left, right), np.minimum(left, right))

    def several(self) -> list[Ids]:
        """Groups of at least two, in order of their first ids."""
        roots = self._roots(np.arange(len(self._ids)))
        order = np.argsort(roots, kind="stable")
        starts = np.flatnonzero(np.diff(roots[order], prepend=-1))
        parts = np.split(self._ids[order], starts[1:]) if len(starts) else []
        return [part for part in parts if len(part) > 1]

    def _roots(self, places: NDArray[np.intp]) -> NDArray[np.intp]:
        roots = self._parents[places]
        while not np.array_equal(further := self._parents[roots], roots):
            roots = further
        self._parents[places] = roots
        return roots
