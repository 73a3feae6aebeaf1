"""Exact vectors by id: what codes found is sorted by them, and subsets are searched in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

_FAISS: Final[Any] = faiss  # its type stubs lack what its Python side adds
_BLOCK: Final = 1 << 23  # numbers of a block of vectors that is copied together: 32 MB
_FEW: Final = 16  # queries for which vectors are read where they lie, not copied together
_PLACES: Final = 1 << 20  # scores that they have at once
_WIDE: Final = 2  # times k from which the best are parted from the rest before they are sorted

Found = tuple[NDArray[np.float32], NDArray[np.int64]]
"""Scores (q, k), best first, -inf where there is none; and places or ids (q, k), -1 there."""


@dataclass(frozen=True, slots=True, eq=False)
class Stored:
    """Vectors (n, d) and their ids (n,), sorted; a row is addressed by its place.

    ``keeper`` owns the memory of the vectors, where NumPy does not. A mapped file takes none.
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
        if places is None:
            return self._all(queries, k)
        found = best(*_nothing(len(queries)), k)
        few = len(queries) <= _FEW
        step = max(1, _PLACES // max(1, len(queries)) if few else _BLOCK // self.vectors.shape[1])
        for start in range(0, len(places), step):
            where = places[start : start + step]
            if few:
                tiled = np.broadcast_to(where, (len(queries), len(where)))
                mine = self.refined(queries, tiled, k)
            else:
                scores, rows = _knn(queries, self.rows(where), k)
                mine = scores, np.where(rows < 0, -1, where[rows])
            found = merged(found, mine, k)
        return found

    def _all(self, queries: NDArray[np.float32], k: int) -> Found:
        if not len(self.ids):
            return best(*_nothing(len(queries)), k)
        return best(*_knn(queries, self.vectors, k), k)


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
    """The ``k`` largest of each row, in order; of equals the first. Padded with -inf and -1."""
    width = scores.shape[1]
    if width > _WIDE * k > 0:
        kept = np.sort(np.argpartition(scores, width - k, axis=1)[:, width - k :], axis=1)
        scores, places = _along(scores, kept), _along(places, kept)
    order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    scores, places = _along(scores, order), _along(places, order)
    if width < k:
        pad = ((0, 0), (0, k - width))
        scores = np.pad(scores, pad, constant_values=-np.inf)
        places = np.pad(places, pad, constant_values=-1)
    return scores, np.where(np.isneginf(scores), -1, places)


def merged(one: Found, other: Found, k: int) -> Found:
    """The ``k`` best of two lists."""
    scores = np.concatenate([one[0], other[0]], axis=1)
    return best(scores, np.concatenate([one[1], other[1]], axis=1), k)


def _knn(queries: NDArray[np.float32], vectors: NDArray[np.float32], k: int) -> Found:
    most = min(k, len(vectors))
    scores, rows = faiss.knn(queries, vectors, most, faiss.METRIC_INNER_PRODUCT)
    return np.where(rows < 0, np.float32(-np.inf), scores), rows


def _nothing(queries: int) -> Found:
    return np.empty((queries, 0), dtype=np.float32), np.empty((queries, 0), dtype=np.int64)


def _along(values: Any, order: NDArray[np.int64]) -> Any:
    return np.take_along_axis(values, order, axis=1)
