"""Filling an index range by range of the rows of one file, against one training, then merging.

Training, ranges and a merge on disk are files beside the vectors, named by what they are of, so
work that was cut off goes on. Who fills the ranges, and how many at once, is the caller's matter.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from storage.errors import CorruptLakeError
from storage.indexes.card import VECTORS
from storage.indexes.choosing.filling import Filled, Train
from storage.indexes.choosing.kinds import Kind
from storage.indexes.choosing.structure import fill, threads
from storage.indexes.choosing.vectors_file import mapped_part
from storage.indexes.reading import read_faiss, write_faiss
from storage.indexes.sharding.merge import merge_into, merge_on_disk

SHARDS: Final = "shards"
_TRAINED: Final = "trained.faiss"
_WHOLE: Final = "whole.faiss"


@dataclass(frozen=True, slots=True)
class Span:
    """A shard that is a range of rows: paths and numbers, which any process can be sent.

    Args:
        trained: the file of the empty index that it is filled from; the shard lies beside.
        vectors: the file of all rows' vectors.
        start: place of its first row in that file.
        stop: place after its last row.
    """

    trained: Path
    vectors: Path
    start: int
    stop: int

    @property
    def name(self) -> str:
        """For example ``ivf-pq-0-4000000``: its kind, and its range."""
        return f"{self.trained.parent.name}-{self.start}-{self.stop}"

    @property
    def path(self) -> Path:
        """The file of its codes; it appears whole, so being there says that it is done."""
        return self.trained.parent / f"rows-{self.start}-{self.stop}.faiss"


def fill_span(span: Span, workers: int | None = None) -> Path:
    """Write the codes of one range of rows, and return the file; one that is there is kept.

    Vectors are read block by block. In memory are the codes of the shard and one block.
    """
    if not span.path.exists():
        ids, vectors = mapped_part(span.vectors, span.start, span.stop)
        with threads(workers):
            write_faiss(span.path, fill(read_faiss(span.trained), ids, vectors))
    return span.path


@dataclass(frozen=True, slots=True, eq=False)
class Sharded:
    """Fills kinds that merge in shards of ``rows`` rows; others, and few rows, at once.

    Args:
        folder: has ``vectors.faiss`` of all rows, and gets the shards.
        rows: of a shard, at most.
        fill_all: fills spans, by ``fill_span``, wherever that may be.
        room: bytes of memory that an index may hold, beside what its goal allows; lists that
            would take more are left on disk. None: they are never left there.
    """

    folder: Path
    rows: int
    fill_all: Callable[[Sequence[Span]], object]
    room: int | None = None

    def form(self, kind: Kind, n: int, memory: int | None) -> Kind:
        """The kind, with its lists on disk where it can and they take too much memory."""
        if self.room is None or n <= self.rows or not kind.mappable:
            return kind
        room = self.room if memory is None else min(memory, self.room)
        return kind.on_disk() if kind.memory(n) > room else kind

    def filled(
        self, kind: Kind, train: Train, ids: NDArray[np.int64], vectors: NDArray[np.float32]
    ) -> Filled:
        """The index over all rows of ``folder``'s vectors: ``ids`` and ``vectors`` are those."""
        if len(ids) <= self.rows or not kind.merges:
            return Filled(fill(train(), ids, vectors))
        trained = _trained(self.folder / SHARDS / kind.name, train)
        source = self.folder / VECTORS
        ends = [*range(self.rows, len(ids), self.rows), len(ids)]
        starts = [0, *ends[:-1]]
        spans = [Span(trained, source, *ends) for ends in zip(starts, ends, strict=True)]
        self.fill_all(spans)
        return _merged_on_disk(spans) if kind.mapped else Filled(_merged(spans))


def _trained(home: Path, train: Train) -> Path:
    """The file of the trained index; shards of a training that is not there are no use."""
    path = home / _TRAINED
    if not path.exists():
        shutil.rmtree(home, ignore_errors=True)
        write_faiss(path, train())
    return path


def _merged(spans: Sequence[Span]) -> Any:
    """All rows in memory; beside them are those of one shard."""
    whole = read_faiss(spans[0].trained)
    for span in spans:
        part = read_faiss(span.path)
        _check(span, part)
        merge_into(whole, part)
    return whole


def _merged_on_disk(spans: Sequence[Span]) -> Filled:
    """All rows in one file, from which lists are read when they are asked for."""
    trained = spans[0].trained
    path = trained.parent / _WHOLE
    for span in spans:
        _check(span, read_faiss(span.path, mapped=True))
    path.unlink(missing_ok=True)  # perhaps of other shards
    merge_on_disk(path, read_faiss(trained), [span.path for span in spans])
    return Filled(read_faiss(path, mapped=True), path)


def _check(span: Span, part: Any) -> None:
    if part.ntotal != span.stop - span.start:
        why = f"has {part.ntotal} rows of {span.stop - span.start}"
        raise CorruptLakeError(span.path, why)
