"""Who belongs to whom, as arrays: a few bytes a pair, where sets of objects take hundreds."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmcore.types import Ids

Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Names:
    """Names, each once and sorted; the place of a name is its code."""

    sorted: NDArray[np.bytes_]  # UTF-8: its order is that of the texts

    @classmethod
    def of(cls, names: Iterable[str]) -> Names:
        """Those of ``names``, however often each comes."""
        return cls(np.unique(_encoded(names)))

    def __len__(self) -> int:
        return len(self.sorted)

    def name(self, code: int) -> str:
        """The name of a code."""
        told: bytes = self.sorted[code]
        return told.decode()

    def code(self, name: str) -> int:
        """The code of a name; −1 where it is not there."""
        return int(self.codes([name])[0])

    def codes(self, names: Collection[str]) -> Codes:
        """(n,) the code of each name; −1 where it is not there."""
        return self._found(_encoded(names))

    def codes_of(self, names: NDArray[np.str_]) -> Codes:
        """``codes`` of an array of ASCII names (n,)."""
        return self._found(names.astype("S"))

    def _found(self, wanted: NDArray[np.bytes_]) -> Codes:
        if not len(self.sorted):
            return np.full(len(wanted), -1, dtype=np.int64)
        places = np.minimum(np.searchsorted(self.sorted, wanted), len(self.sorted) - 1)
        found: Codes = np.where(self.sorted[places] == wanted, places, -1).astype(np.int64)
        return found


def _encoded(names: Iterable[str]) -> NDArray[np.bytes_]:
    found = [name.encode() for name in names]
    return np.array(found) if found else np.zeros(0, dtype="S1")


@dataclass(frozen=True, slots=True, eq=False)
class Linked:
    """Values of each of n codes, sorted, each once."""

    starts: Codes  # (n + 1,)
    values: Ids

    @classmethod
    def of(cls, count: int, codes: Codes, values: Ids) -> Linked:
        """Link each of ``codes`` (p,), below ``count``, to the value beside it."""
        order = np.lexsort((values, codes))
        codes, values = codes[order], values[order]
        new = np.ones(len(codes), dtype=bool)
        new[1:] = (codes[1:] != codes[:-1]) | (values[1:] != values[:-1])
        codes, values = codes[new], values[new]
        return cls(np.searchsorted(codes, np.arange(count + 1)), values)

    def __getitem__(self, code: int) -> Ids:
        return self.values[self.starts[code] : self.starts[code + 1]]

    @property
    def linked(self) -> Codes:
        """The codes that have a value, sorted."""
        return np.flatnonzero(np.diff(self.starts))

    def every(self, codes: Iterable[int]) -> Ids:
        """The values of any of ``codes``, sorted, each once."""
        found = [self[code] for code in codes]
        return np.unique(np.concatenate([self.values[:0], *found]))


def components(one: Codes, other: Codes, count: int) -> Codes:
    """(count,) the smallest member of the connected component of each of ``count`` members.

    Members are ``one`` (p,); they are connected where they share one of ``other`` (p,).
    """
    from scipy.sparse import coo_array  # noqa: PLC0415 - it takes long to load
    from scipy.sparse.csgraph import connected_components  # noqa: PLC0415

    if not count:
        return np.zeros(0, dtype=np.int64)
    size = count + (int(other.max()) + 1 if len(other) else 0)
    edges = coo_array((np.ones(len(one), bool), (one, count + other)), shape=(size, size))
    _, labels = connected_components(edges, directed=False)
    _, first, which = np.unique(labels[:count], return_index=True, return_inverse=True)
    found: Codes = first[which].astype(np.int64)
    return found
