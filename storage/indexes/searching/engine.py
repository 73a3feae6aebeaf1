"""The search engine of one index: codes, exact vectors, what came later and what went."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from storage.indexes.card import Setting
from storage.indexes.searching.codes import Codes
from storage.indexes.searching.filters import Mask, allowed, by_codes, exactly
from storage.indexes.searching.refine import Found, Stored, merged


@dataclass(frozen=True, slots=True, eq=False)
class Engine:
    """Rows that can be searched; safe to share among threads, as nothing of it ever changes.

    Args:
        stored: the exact vectors that the index was built over.
        codes: what finds them; None: they are compared one by one.
        delta: rows that came later, compared one by one; none of them is alive in ``stored``.
        alive: (n,) which rows of ``stored`` may be found; None: all.
        setting: how codes are searched, unless a search says otherwise.
    """

    stored: Stored
    codes: Codes | None = None
    delta: Stored | None = None
    alive: Mask | None = None
    setting: Setting = Setting()  # noqa: RUF009 - it is frozen

    @classmethod
    def over(
        cls,
        index: Any,
        ids: NDArray[np.int64],
        vectors: NDArray[np.float32],
        setting: Setting | None = None,
    ) -> Engine:
        """The engine of a faiss index that answers with ``ids``, before it is written.

        ``ids`` (n,) are sorted; ``vectors`` (n, d) float32 may be a mapped file. Without an
        index, vectors are compared one by one. ``index`` is not changed.
        """
        stored = Stored(ids, vectors)
        codes = None if index is None else Codes.of(index, stored)
        return cls(stored, codes, setting=setting or Setting())

    @property
    def dim(self) -> int:
        """Numbers of a vector."""
        return int(self.stored.vectors.shape[1])

    def search(
        self,
        vectors: NDArray[np.float32],
        k: int,
        ids: NDArray[np.int64] | None = None,
        *,
        setting: Setting | None = None,
    ) -> Found:
        """The ``k`` rows with the largest inner product: scores and ids, each (q, k).

        ``vectors`` is (q, d); with ``ids``, in any order, only those are searched. Scores are
        those of the exact vectors, best first. Where there are fewer than ``k`` the score is
        -inf and the id -1; ``k`` come back wherever there are ``k``. ``setting`` is that of this
        call. Raises ValueError for queries of another dimension or with numbers that are not
        finite, for a ``k`` that is no whole number or below 0, and for ids that are none.
        """
        queries, k = self.checked(vectors), _count(k)
        ids = None if ids is None else _whole(ids)
        mask = allowed(self.stored, self.alive, ids)
        if self.codes is None or not len(queries) or not k:
            scores, places = exactly(self.stored, queries, k, mask)
        else:
            scores, places = by_codes(self.codes, queries, k, setting or self.setting, mask)
        found = scores, self.stored.named(places)
        if self.delta is None:
            return found
        later, where = exactly(self.delta, queries, k, allowed(self.delta, None, ids))
        return merged(found, (later, self.delta.named(where)), k)

    def checked(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Queries as faiss takes them; ValueError where they do not fit."""
        if vectors.ndim != 2 or vectors.shape[1] != self.dim:  # noqa: PLR2004 - a matrix
            raise ValueError(f"queries of {vectors.shape}, an index of {self.dim} dimensions")
        queries = np.ascontiguousarray(vectors, dtype=np.float32)
        if not np.isfinite(queries).all():
            raise ValueError("a query has numbers that are not finite")
        return queries

    def held(self) -> NDArray[np.int64]:
        """The ids that it can answer with, sorted."""
        mine = self.stored.ids if self.alive is None else self.stored.ids[self.alive]
        return mine.copy() if self.delta is None else np.union1d(mine, self.delta.ids)

    def vectors_of(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        """The exact vectors (m, d) of ``ids`` (m,), in that order.

        Raises ValueError, which names it, for an id that is not held, and for what is no id.
        """
        ids = _whole(ids)
        places = self.stored.places(ids)
        if self.alive is not None:
            places = np.where((places >= 0) & self.alive[places], places, -1)
        late = places < 0
        rows = np.empty((len(places), self.dim), dtype=np.float32)
        rows[~late] = self.stored.rows(places[~late])
        if late.any():
            delta = self.delta or Stored(places[:0], rows[:0])
            where = delta.places(ids[late])
            if (where < 0).any():
                raise ValueError(f"the index holds no row {ids[late][where < 0][0]}")
            rows[late] = delta.rows(where)
        return rows

    def blocks(self, size: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """All that is held, ``size`` rows at a time: ids (m,) and a copy of their vectors (m, d).

        First what the index was built over, in order of ids, then what came later.
        """
        parts = [(self.stored, self.alive), (self.delta, None)]
        for stored, mask in ((stored, mask) for stored, mask in parts if stored is not None):
            for start in range(0, len(stored), size):
                places = np.arange(start, min(start + size, len(stored)))
                if mask is not None:
                    places = places[mask[places]]
                if len(places):
                    yield stored.ids[places], stored.rows(places)


def _count(k: int) -> int:
    """``k``, also one of NumPy's, as faiss takes it; ValueError for what counts nothing."""
    if isinstance(k, bool | np.bool_) or not isinstance(k, int | np.integer) or k < 0:
        raise ValueError(f"{k!r} results cannot be asked for")
    return int(k)


def _whole(ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ids as they are compared; ValueError for numbers that are not whole, and for truths."""
    found = np.asarray(ids)
    if found.size and found.dtype.kind not in "iu":
        raise ValueError(f"ids are whole numbers, and not {found.dtype}")
    return found.astype(np.int64, copy=False)
