"""Where a sorted table is cut into parts: at rows that their own keys choose."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from storage.schemas import is_vector

PART_ROWS: Final = 1 << 16  # of a part, about; a quarter at least, four times that at most
PART_BYTES: Final = 16 << 20  # the same, of its vectors
_BOUNDS: Final = 4
_HASHES: Final = 1 << 32
_SPREAD: Final = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio (Knuth's multiplicative hash)
_BLOCK: Final = 1 << 16  # rows whose keys are held as Python objects at once

Hashes = NDArray[np.uint32]


def stretches(table: pa.Table) -> Iterator[pa.Table]:
    """Cut a table that is sorted by its key into consecutive views of about ``PART_ROWS`` rows.

    The key is the first column where it holds integers, else the strings that stand first. Where a
    cut falls depends on the keys near it alone: a row that comes, goes or changes leaves all other
    stretches as they were. Rows of one key stay together. A table that is no longer than one
    stretch should be, also an empty one, is one.
    """
    size = stretch_rows(table.schema)
    places = cuts(key_hashes(table), size) if table.num_rows > size else []
    for start, end in pairwise([0, *places, table.num_rows]):
        yield table.slice(start, end - start)


def stretch_rows(schema: pa.Schema) -> int:
    """About how many rows of ``schema`` make a stretch."""
    bits = sum(
        field.type.list_size * field.type.value_type.bit_width
        for field in schema
        if is_vector(field.type)
    )
    return min(PART_ROWS, max(1, 8 * PART_BYTES // bits)) if bits else PART_ROWS


def cuts(hashes: Hashes, size: int) -> list[int]:
    """Places before which to cut (n,) rows into stretches of about ``size``, ascending.

    A cut falls on the first row far enough from the last whose hash is small, one in ``size`` is;
    where none is for too long, on the row with the smallest.
    """
    first = np.concatenate([[True], hashes[1:] != hashes[:-1]])  # rows that begin a key
    hashes = np.where(first, hashes, np.uint32(_HASHES - 1))
    chosen = np.flatnonzero(hashes < _HASHES // size)
    least, most, places, start = max(1, size // _BOUNDS), size * _BOUNDS, [], 0
    while (left := len(hashes) - start) > size:
        low, high = start + least, min(start + most, len(hashes) - least)
        next_one = int(np.searchsorted(chosen, low))
        if next_one < len(chosen) and chosen[next_one] <= high:
            start = int(chosen[next_one])
        elif left <= most:
            break
        else:
            start = low + int(np.argmin(hashes[low : high + 1]))
        places.append(start)
    return places


def key_hashes(table: pa.Table) -> Hashes:
    """A hash of each row's key, (n,) uint32; equal keys have equal ones."""
    first = table.schema.field(0).type
    if pa.types.is_integer(first):
        ids = table.column(0).to_numpy().astype(np.uint64)
        hashes: Hashes = ((ids * _SPREAD) >> np.uint64(32)).astype(np.uint32)
        return hashes
    blocks = [
        _text_hashes(table.slice(start, _BLOCK)) for start in range(0, table.num_rows, _BLOCK)
    ]
    return np.concatenate([np.zeros(0, np.uint32), *blocks])


def _text_hashes(table: pa.Table) -> Hashes:
    names: list[Any] = []
    for field in table.schema:
        if not pa.types.is_string(field.type):
            break
        names.append(table[field.name])
    if not names:
        raise TypeError(f"a table of rows begins with its key, not with {table.schema.field(0)}")
    keys = pc.binary_join_element_wise(*names, "\0", null_handling="replace")
    found = map(crc32, keys.cast(pa.binary()).to_pylist())
    return np.fromiter(found, dtype=np.uint32, count=table.num_rows)
