"""Exact vectors by id: what codes found is sorted by them, and subsets are searched in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

_FAISS: Final[Any] = faiss  # its type stubs lack what its Python side adds
_BLOCK: Final = 1 << 23  # numbers of a block of vectors that is copied together: 32 MB
_FEW: Final = 16  # queries for which vectors are read where they lie, not copied together
_PLACES: Final = 1 << 20  # scores that queries have at once
_TOGETHER: Final = 64  # queries that are multiplied with all vectors at once
_LONE: Final = 2  # queries up to which one product after the other is faster
_DEEP: Final = 4  # times k: rows of a block at least, or all of them would be compared again
_ROUNDED: Final = 8 * 2.0**-24  # of length times length, a dimension: twice what two sums differ
_WIDE: Final = 2  # times k from which the best are parted from the rest before they are sorted

Found = tuple[NDArray[np.float32], NDArray[np.int64]]
"""Scores (q, k), best first, -inf where there is none; and places or ids (q, k), -1 there."""


@dataclass(frozen=True, eq=False)
class Stored:
    """Vectors (n, d) and their ids (n,), sorted; a row is addressed by its place.

    ``keeper`` owns the memory of the vectors, where NumPy does not. A mapped file takes none.

    All scores are those of ``products``, whatever found the rows: a query has the same ones, and
    the same rows, alone and among others, with a filter and without. Of equal ones the first
    places come first.
    """

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    keeper: Any = None

    @classmethod
    def of_flat(cls, index: Any) -> Stored:
        """The rows of an ``IndexIDMap`` over an ``IndexFlat``, of which nothing is copied.

        Unless its rows are not in order. The index is used up: its own map of ids goes.
        """
        ids = np.array(_FAISS.vector_to_array(index.id_map), dtype=np.int64)
        within, owner = taken(index)
        size = within.ntotal * within.d
        flat = _FAISS.rev_swig_ptr(within.get_xb(), size) if size else np.empty(0, np.float32)
        vectors = flat.reshape(within.ntotal, within.d)
        if np.all(ids[1:] > ids[:-1]):
            return cls(ids, vectors, owner)
        order = np.argsort(ids, kind="stable")
        return cls(ids[order], vectors[order])

    def __len__(self) -> int:
        return len(self.ids)

    def places(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where ``ids``, of any shape, lie; -1 where they do not."""
        return places_in(self.ids, ids)

    def named(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """The ids at ``places``, of any shape; -1 stays."""
        if not len(self.ids):
            return np.full(places.shape, -1, dtype=np.int64)
        return np.where(places < 0, -1, self.ids[places])

    def rows(self, places: NDArray[np.int64]) -> NDArray[np.float32]:
        """A copy of the vectors at ``places`` (m,), each of which there has to be: (m, d)."""
        return np.array(self.vectors[places], dtype=np.float32)

    def products(
        self, queries: NDArray[np.float32], places: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Inner products (q, m) of each query with the vectors at its own ``places`` (q, m).

        -inf for a place of -1. Vectors are read where they lie, by all of faiss's threads.
        """
        scores = np.empty(places.shape, dtype=np.float32)
        if not len(self.ids):
            scores.fill(-np.inf)
        elif scores.size:
            places = np.ascontiguousarray(places, dtype=np.int64)
            if places.max() >= len(self.ids):  # C++ would read beyond the vectors
                raise IndexError(f"place {places.max()} of {len(self.ids)}")
            _FAISS.fvec_inner_products_by_idx(
                *(_FAISS.swig_ptr(one) for one in (scores, queries, self.vectors, places)),
                queries.shape[1],
                *places.shape,
            )
        return scores

    def refined(self, queries: NDArray[np.float32], places: NDArray[np.int64], k: int) -> Found:
        """The ``k`` best of each query's ``places`` (q, m), by exact vectors."""
        return best(self.products(queries, places), places, k)

    def nearest(
        self, queries: NDArray[np.float32], k: int, places: NDArray[np.int64] | None = None
    ) -> Found:
        """The exact ``k`` nearest, by place, of all rows or of those at ``places`` (m,)."""
        parts = [
            self._nearest(queries[start : start + _TOGETHER], k, places)
            for start in range(0, len(queries), _TOGETHER)
        ]
        if not parts:
            return best(*_nothing(0), k)
        scores, found = zip(*parts, strict=True)
        return np.concatenate(scores), np.concatenate(found)

    @cached_property
    def longest(self) -> float:
        """The length of the longest vector; 0.0 without any. Reads all of them, once."""
        step = max(1, _BLOCK // max(1, self.vectors.shape[1]))
        starts = range(0, len(self.ids), step)
        return max((_longest(self.vectors[start : start + step]) for start in starts), default=0.0)

    def _nearest(
        self, queries: NDArray[np.float32], k: int, places: NDArray[np.int64] | None
    ) -> Found:
        found = best(*_nothing(len(queries)), k)
        for where in self._blocks(len(queries), k, places) if k else ():
            if places is not None and len(queries) <= _FEW:
                mine = np.broadcast_to(where, (len(queries), len(where)))
            else:
                rows = (
                    self.vectors[where[0] : where[-1] + 1] if places is None else self.rows(where)
                )
                slack = self.longest if places is None else _longest(rows)
                near = _near(queries, rows, k, found[0][:, -1], slack)
                mine = np.where(near < 0, -1, where[near])
            found = merged(found, self.refined(queries, mine, k), k)
        return found

    def _blocks(
        self, queries: int, k: int, places: NDArray[np.int64] | None
    ) -> Iterator[NDArray[np.int64]]:
        """All places, or those that are told, as many at a time as scores are held of."""
        step = max(1, _PLACES // queries, _DEEP * k)
        if places is not None and queries > _FEW:
            step = min(step, max(1, _BLOCK // self.vectors.shape[1]))
        count = len(self.ids) if places is None else len(places)
        for start in range(0, count, step):
            stop = min(start + step, count)
            yield np.arange(start, stop) if places is None else places[start:stop]


def places_in(sorted_ids: NDArray[np.int64], ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where ``ids``, of any shape, lie among others; -1 where they do not."""
    if not len(sorted_ids):
        return np.full(ids.shape, -1, dtype=np.int64)
    places = np.searchsorted(sorted_ids, ids)
    places[places == len(sorted_ids)] = 0
    return np.where(sorted_ids[places] == ids, places, -1)


def taken(index: Any) -> tuple[Any, Any]:
    """What is within an ``IndexIDMap``, and what owns it from now on.

    The map is used up: its ids, and their hash map of 50 bytes a row, go with it. Python's side
    of faiss cannot be made to own it: SWIG counts such owners wrong, and breaks in the end. Nor
    is a map used up that does not own what is within, as one that was made in Python.
    """
    within = _FAISS.downcast_index(index.index)
    if not index.own_fields:
        return within, index
    owner = faiss.IndexPreTransform(within)
    owner.own_fields, index.own_fields = True, False
    return within, owner


def best(scores: NDArray[np.float32], places: NDArray[np.int64], k: int) -> Found:
    """The ``k`` largest of each row, in order; of equals the first. Padded with -inf and -1.

    What is no number is not found.
    """
    scores = np.where(np.isnan(scores), np.float32(-np.inf), scores)
    width = scores.shape[1]
    if width > _WIDE * k > 0:
        kept = _largest(scores, k)
        scores, places = _along(scores, kept), _along(places, kept)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    scores, places = _along(scores, order), _along(places, order)
    if width < k:
        pad = ((0, 0), (0, k - width))
        scores = np.pad(scores, pad, constant_values=-np.inf)
        places = np.pad(places, pad, constant_values=-1)
    return scores, np.where(np.isneginf(scores), -1, places)


def _largest(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """Where the ``k`` largest of each row stand, (q, k) ascending; of equals the first."""
    least = np.partition(scores, -k, axis=1)[:, [-k]]
    above, equal = scores > least, scores == least
    left = k - np.count_nonzero(above, axis=1, keepdims=True)
    if (np.count_nonzero(equal, axis=1, keepdims=True) > left).any():
        equal &= np.cumsum(equal, axis=1) <= left
    found: NDArray[np.int64] = np.nonzero(above | equal)[1].reshape(-1, k)
    return found


def merged(one: Found, other: Found, k: int) -> Found:
    """The ``k`` best of two lists."""
    scores = np.concatenate([one[0], other[0]], axis=1)
    return best(scores, np.concatenate([one[1], other[1]], axis=1), k)


def _near(
    queries: NDArray[np.float32],
    rows: NDArray[np.float32],
    k: int,
    least: NDArray[np.float32],
    longest: float,
) -> NDArray[np.int64]:
    """Rows that may be among the ``k`` nearest of each query: (q, m) ascending, -1 behind them.

    By one product of matrices, which for many queries is five times as fast as a scan by each.
    It sums in another order than ``Stored.products``, so all are kept that come as near to the
    kth as rounding goes: two sums of d products of float32 differ by no more than 2 d 2^-24 times
    the lengths (Higham, Accuracy and Stability, 3.1). ``least`` (q,): scores that are had ``k``
    times before; ``longest``: the length of the longest row.
    """
    if len(queries) <= _LONE:
        scores = np.stack([rows @ query for query in queries])
    else:
        scores = queries @ rows.T
    width = scores.shape[1]
    if width <= k:
        return np.broadcast_to(np.arange(width), scores.shape)
    slack = _ROUNDED * queries.shape[1] * longest * np.linalg.norm(queries, axis=1)
    bound = np.maximum(np.partition(scores, -k, axis=1)[:, -k], least) - slack.astype(np.float32)
    flat = np.flatnonzero(~(scores < bound[:, None]))  # what is no number stays
    query, row = np.divmod(flat, width)
    counts = np.bincount(query, minlength=len(queries))
    found = np.full((len(queries), counts.max(initial=0)), -1, dtype=np.int64)
    found[query, np.arange(len(flat)) - np.repeat(np.cumsum(counts) - counts, counts)] = row
    return found


def _longest(rows: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.einsum("ij,ij->i", rows, rows).max(initial=0.0)))


def _nothing(queries: int) -> Found:
    return np.empty((queries, 0), dtype=np.float32), np.empty((queries, 0), dtype=np.int64)


def _along(values: Any, order: NDArray[np.int64]) -> Any:
    return np.take_along_axis(values, order, axis=1)
