"""Groups of rows that are nearly the same."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from storage.indexes.files import Index

_BLOCK: Final = 1024  # rows that are asked together
_NEAREST: Final = 16  # neighbours that each is asked for first
_CROWDED: Final = 64  # rows asked together for all that is near

Ids = NDArray[np.int64]


def near_duplicates(index: Index, least: float) -> list[Ids]:
    """Groups of ids whose rows score ``least`` or more with another of their group.

    A group is joined by any chain of such pairs; ids are sorted in it, groups by their first id,
    and rows with no duplicate are in none. Each row asks the index for its nearest, and where all
    of those are near, every row for more: so an exact index gives all pairs, another those that
    it finds, at its recall. In blocks: memory is that of one number a row, beside the groups.
    Rounding moves scores by 1e-6 or so: ``least`` should be below 1 by more.
    """
    held = index.held()
    groups = _Groups(held)
    for ids, vectors in index.engine.blocks(_BLOCK):
        scores, found = index.search(vectors, _NEAREST)
        near = (scores >= least) & (found != ids[:, None])
        rows, columns = np.nonzero(near)
        groups.join(ids[rows], found[rows, columns])
        full = scores[:, -1] >= least
        _join_all(index, least, groups, ids[full], vectors[full])
    return groups.several()


def _join_all(
    index: Index, least: float, groups: _Groups, ids: Ids, vectors: NDArray[np.float32]
) -> None:
    """Join rows with all that is near to them, however many."""
    for start in range(0, len(ids), _CROWDED):
        asked = ids[start : start + _CROWDED]
        for one, (found, _) in zip(
            asked, index.range_search(vectors[start : start + _CROWDED], least), strict=True
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
