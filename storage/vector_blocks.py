"""Vectors of rows out of a snapshot's parts, block by block: no more than a row group is held."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from storage.errors import CorruptLakeError
from storage.tables import read_parts, stream_part, vectors_of

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class VectorBlocks:
    """The vectors of rows that lie in parts, to be gone through as often as is needed.

    Args:
        ids: (n,) the rows, sorted, each once.
        dim: numbers of a vector.
        folder: of the parts, for what is said of them.
        paths: the parts.
        key: the column of ids, ``segment_id`` or ``item_id``.
    """

    ids: Ids
    dim: int
    folder: Path
    paths: Sequence[Path]
    key: str = "segment_id"

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[tuple[Ids, NDArray[np.float32]]]:
        """Places in ``ids`` (m,) and their vectors (m, d), float32; each place comes once.

        Of two parts that hold a row the first one counts. Raises CorruptLakeError where a vector
        is missing, or has another number of dimensions.
        """
        missing = np.ones(len(self.ids), dtype=bool)
        for place, vectors in self.of(self.paths):
            missing[place] = False
            yield place, vectors
        if missing.any():
            of = f"{len(self.ids)} live {'items' if self.key == 'item_id' else 'segments'}"
            raise CorruptLakeError(self.folder, f"lacks the vectors of {missing.sum()} of {of}")

    def of(self, paths: Sequence[Path]) -> Iterator[tuple[Ids, NDArray[np.float32]]]:
        """The same for the rows that lie in some of the parts; others may be missing."""
        missing = np.ones(len(self.ids), dtype=bool)
        columns = [self.key, "vector"]
        for table in streamed(paths, self.dim, columns) if len(self.ids) else ():
            mine, place = places(table[self.key].to_numpy(), self.ids)
            place, first = np.unique(place, return_index=True)
            new = missing[place]
            missing[place[new]] = False
            if new.any():
                yield place[new], vectors_of(table)[np.flatnonzero(mine)[first[new]]]

    def gathered(self) -> NDArray[np.float32]:
        """All of them at once: (n, d)."""
        vectors = np.empty((len(self.ids), self.dim), dtype=np.float32)
        for place, found in self:
            vectors[place] = found
        return vectors


def streamed(paths: Sequence[Path], dim: int, columns: Sequence[str]) -> Iterator[pa.Table]:
    """The row groups of parts with vectors of ``dim`` numbers, one after the other."""
    for path in paths:
        for table in stream_part(path, columns):
            if lacking := set(columns) - set(table.column_names):
                raise CorruptLakeError(path, f"has no column {', '.join(sorted(lacking))}")
            if table.schema.field("vector").type.list_size != dim:
                raise CorruptLakeError(path, f"its vectors do not have {dim} numbers")
            yield table


def places(ids: Ids, live: Ids) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Which of ``ids`` are among the sorted ``live`` (a mask), and the place of each of those."""
    if not len(live):
        return np.zeros(len(ids), dtype=bool), np.zeros(0, dtype=np.intp)
    place = np.minimum(np.searchsorted(live, ids), len(live) - 1)
    mine = live[place] == ids
    return mine, place[mine]


def holds(path: Path, ids: Ids, key: str = "segment_id") -> bool:
    """Whether a part has a row of one of the sorted ``ids``; reads its ids only."""
    found = read_parts([path], [key])[key].to_numpy()
    return bool(np.isin(found, ids).any())
