"""Exact vectors on disk, by id: written row by row, read by mapping the file.

The file is what faiss writes for an ``IndexIDMap2`` of an ``IndexFlatIP``, so plain faiss reads
it. It is written without faiss, which would need all vectors in memory, and mapped without it,
as its hash map of the ids takes about 50 bytes a row.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, BinaryIO, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from storage.errors import CorruptLakeError, UnsoundVectorError
from storage.places.atomic import replacing
from storage.places.place import local_copy
from storage.schemas import LENGTH_TOLERANCE

BLOCK: Final = 1 << 25  # numbers of a block that is read or written at once: 128 MB
_COUNTS: Final = (8, 45)  # where the header has the number of rows
_NUMBERS: Final = 74  # where it has that of all numbers
_FLOATS: Final = 82  # where they begin
_TOLERANCE: Final = max(LENGTH_TOLERANCE.values())  # of a row's length, as stored

Block = tuple[NDArray[np.int64], NDArray[np.float32]]
"""Places (m,) in the file, and the vectors (m, d) that belong there."""


def write_vectors(path: Path, ids: NDArray[np.int64], d: int, blocks: Iterable[Block]) -> None:
    """Write the vectors of ``ids`` (n,), sorted, from blocks in any order; whole or not at all.

    Raises UnsoundVectorError, which names the row, for a vector that is not finite or not of
    length 1, and ValueError for ids that are not sorted or come twice, for vectors that are not
    (m, d), and where a row comes twice or never.
    """
    check_ids(ids)
    with replacing(path, final=True) as temporary:
        with temporary.open("wb", buffering=0) as file:
            file.write(_header(len(ids), d))
            file.truncate(_FLOATS + 4 * len(ids) * d)
            _write_rows(file, ids, d, blocks)
            file.seek(0, 2)
            file.write(struct.pack("<Q", len(ids)))
            file.write(np.ascontiguousarray(ids, dtype="<i8").data)
        found, vectors = mapped_vectors(temporary)
        if vectors.shape != (len(ids), d) or not np.array_equal(found, ids):
            raise CorruptLakeError(path, "is not what was written")


def mapped_vectors(path: Path) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Ids (n,), in memory, and vectors (n, d), read from disk when they are asked for.

    The vectors begin at no multiple of four bytes: faiss takes them as they are, NumPy copies
    what it computes with. Raises CorruptLakeError where the file is missing, cut off or another's.
    """
    try:
        local = local_copy(path)
        with local.open("rb") as file:
            n, d = _shape(path, file.read(_FLOATS), local.stat().st_size)
            file.seek(_FLOATS + 4 * n * d + 8)
            ids = np.fromfile(file, dtype="<i8", count=n)
    except FileNotFoundError as error:
        raise CorruptLakeError(path, "is missing") from error
    if falling(ids) is not None:
        raise CorruptLakeError(path, "has ids that are not sorted")
    if n == 0:
        return ids, np.empty((0, d), dtype=np.float32)
    return ids, np.memmap(local, dtype="<f4", mode="r", offset=_FLOATS, shape=(n, d))


def mapped_part(
    path: Path, start: int, stop: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Ids (m,), in memory, and mapped vectors (m, d) of the rows from ``start`` to ``stop``.

    Nothing else of the file is read, so order of ids is not looked at. Raises what
    ``mapped_vectors`` raises, and ValueError for rows that there are not.
    """
    try:
        local = local_copy(path)
        with local.open("rb") as file:
            n, d = _shape(path, file.read(_FLOATS), local.stat().st_size)
            if not 0 <= start < stop <= n:
                raise ValueError(f"{path} has {n} rows, and none from {start} to {stop}")
            file.seek(_FLOATS + 4 * n * d + 8 + 8 * start)
            ids = np.fromfile(file, dtype="<i8", count=stop - start)
    except FileNotFoundError as error:
        raise CorruptLakeError(path, "is missing") from error
    first, shape = _FLOATS + 4 * start * d, (stop - start, d)
    return ids, np.memmap(local, dtype="<f4", mode="r", offset=first, shape=shape)


def rows_of(vectors: NDArray[np.float32], size: int = BLOCK) -> Iterator[Block]:
    """Blocks of ``vectors`` with their places, none of more than ``size`` numbers.

    What was read of a mapped file is let go of after each block, so that it does not fill memory.
    """
    step = max(1, size // max(1, vectors.shape[1]))
    for start in range(0, len(vectors), step):
        block = vectors[start : start + step]
        yield np.arange(start, start + len(block), dtype=np.int64), block
        let_go(vectors)


def let_go(vectors: NDArray[np.float32]) -> None:
    """Tell the system that pages of a mapped file are not needed; of other arrays nothing."""
    mapped: Any = getattr(vectors, "_mmap", None)
    if mapped is not None and hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def check_ids(ids: NDArray[np.int64]) -> None:
    """Raise ValueError unless ``ids`` rise, each once."""
    if (place := falling(ids)) is not None:
        one, other = ids[place], ids[place + 1]
        why = f"id {one} comes twice" if one == other else f"id {other} comes after {one}"
        raise ValueError(f"ids have to be sorted, each once: {why}")


def falling(ids: NDArray[np.int64]) -> int | None:
    """The first place whose id the next one does not exceed; None where all rise, each once."""
    wrong = np.flatnonzero(ids[1:] <= ids[:-1])
    return int(wrong[0]) if len(wrong) else None


def check_vectors(ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
    """Raise UnsoundVectorError for the first row that is not finite or not of length 1."""
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    wrong = np.flatnonzero(~(np.abs(lengths - 1) <= _TOLERANCE))  # a NaN is not within it either
    if len(wrong):
        raise UnsoundVectorError(int(ids[wrong[0]]), float(lengths[wrong[0]]))


def _write_rows(file: BinaryIO, ids: NDArray[np.int64], d: int, blocks: Iterable[Block]) -> None:
    there = np.zeros(len(ids), dtype=bool)
    for places, vectors in blocks:
        if vectors.ndim != 2 or vectors.shape[1] != d or len(places) != len(vectors):  # noqa: PLR2004 - a matrix
            raise ValueError(f"{len(places)} places, vectors of {vectors.shape}, not of {d}")
        order = np.argsort(places)
        rows, placed = np.asarray(vectors[order], dtype="<f4"), places[order]
        check_vectors(ids[placed], rows)
        twice = there[placed] | np.append(placed[1:] == placed[:-1], False)[: len(placed)]
        if twice.any():
            raise ValueError(f"id {ids[placed[np.argmax(twice)]]} comes twice")
        there[placed] = True
        _write_runs(file, placed, rows)
    if not there.all():
        raise ValueError(f"no vector came for the id {ids[np.argmin(there)]}")


def _write_runs(file: BinaryIO, places: NDArray[np.int64], rows: NDArray[np.float32]) -> None:
    """Write rows to rising places; those that follow each other at once."""
    starts = np.flatnonzero(np.diff(places, prepend=-2) != 1).tolist()
    for start, end in pairwise([*starts, len(places)]):
        file.seek(_FLOATS + int(places[start]) * 4 * rows.shape[1])
        _write_all(file, rows[start:end].view(np.uint8).reshape(-1).data)


def _write_all(file: BinaryIO, data: memoryview) -> None:
    """Write all of it: one call writes 2 GB at most."""
    while len(data):
        data = data[file.write(data) :]


def _header(n: int, d: int) -> bytes:
    """What faiss writes before the numbers of ``n`` vectors of ``d``."""
    header = bytearray(_empty(d))
    for place in _COUNTS:
        struct.pack_into("<q", header, place, n)
    struct.pack_into("<Q", header, _NUMBERS, n * d)
    return bytes(header)


@cache
def _empty(d: int) -> bytes:
    """The header of no vectors; RuntimeError where this faiss writes files in another way."""
    empty = faiss.serialize_index(faiss.IndexIDMap2(faiss.IndexFlatIP(d))).tobytes()
    probe = faiss.IndexIDMap2(faiss.IndexFlatIP(d))
    ids, vectors = np.array([3, 5, 2**62], dtype=np.int64), np.full((3, d), 0.5, dtype=np.float32)
    probe.add_with_ids(vectors, ids)
    header = bytearray(empty[:_FLOATS])
    for place in _COUNTS:
        struct.pack_into("<q", header, place, 3)
    struct.pack_into("<Q", header, _NUMBERS, 3 * d)
    expected = bytes(header) + vectors.tobytes() + struct.pack("<Q", 3) + ids.tobytes()
    if faiss.serialize_index(probe).tobytes() != expected:
        raise RuntimeError(
            f"faiss {faiss.__version__} writes flat indexes in a way not known here"
        )
    return empty[:_FLOATS]


def _shape(path: Path, header: bytes, size: int) -> tuple[int, int]:
    """Rows and dimension that a header says; CorruptLakeError unless all of it fits."""
    if len(header) == _FLOATS and header[:4] == _empty(1)[:4]:
        (d,), (n,) = struct.unpack_from("<i", header, 4), struct.unpack_from("<q", header, 8)
        right = 0 < d <= size and 0 <= n <= size
        if right and header == _header(n, d) and size == _FLOATS + 4 * n * d + 8 + 8 * n:
            return n, d
    raise CorruptLakeError(path, "is no whole file of vectors")
