"""Rows of two sets of vectors, read as one in order of id, without a copy of them all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from storage.indexes.searching.refine import Stored


@dataclass(frozen=True, slots=True, eq=False)
class Together:
    """Vectors of some rows of one ``Stored`` and of another; no id may be in both.

    Its rows are read as those of an array (n, d): a slice, or places (m,), give a copy of them.
    """

    ids: NDArray[np.int64]
    _one: Stored
    _other: Stored
    _places: NDArray[np.int64]  # in one; below 0: ~ in the other

    @classmethod
    def of(
        cls,
        one: Stored,
        kept: NDArray[np.bool_],
        other: Stored,
        also: NDArray[np.bool_] | None = None,
    ) -> Together:
        """The rows ``kept`` (n,) of one, and all of the other or those in ``also`` (m,)."""
        mine = np.flatnonzero(kept)
        theirs = np.arange(len(other)) if also is None else np.flatnonzero(also)
        ids = np.concatenate([one.ids[mine], other.ids[theirs]])
        order = np.argsort(ids, kind="stable")
        return cls(ids[order], one, other, np.concatenate([mine, ~theirs])[order])

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and dimension."""
        return len(self.ids), self._one.vectors.shape[1]

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows: slice | NDArray[np.int64]) -> NDArray[np.float32]:
        places = self._places[rows]
        theirs = np.flatnonzero(places < 0)
        if len(theirs) == len(places):
            return self._other.rows(~places)
        one = np.asarray(self._one.vectors)  # a plain array: a mapped one is slow here
        found: NDArray[np.float32] = one[np.maximum(places, 0)]
        found[theirs] = self._other.rows(~places[theirs])
        return found

    @property
    def vectors(self) -> NDArray[np.float32]:
        """Itself, for what reads an array by slices or places only."""
        return cast("NDArray[np.float32]", self)
