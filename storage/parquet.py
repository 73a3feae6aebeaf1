"""Parquet files opened where they lie: by path locally, through the store's client remotely."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from storage.places.place import is_local, opened, store_of

_TAIL: Final = 1 << 18  # bytes at the end of a part, in which its footer mostly fits
_WHOLE: Final = 32 << 20  # a remote part of no more bytes is fetched by one request
_MAGIC: Final = 8  # bytes after the footer: its length, and "PAR1"


@contextmanager
def part_file(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a part for reading rows, with the checksums of its pages checked."""
    if is_local(path):
        with pq.ParquetFile(path, page_checksum_verification=True) as part:
            yield part
        return
    with opened(path) as file:
        small = getattr(file, "size", 0) <= _WHOLE
        source: Any = pa.BufferReader(file.read()) if small else file
        with pq.ParquetFile(source, page_checksum_verification=True) as part:
            yield part


def footer(path: Path) -> pq.FileMetaData:
    """The footer of a part; of a remote one no more than the end is fetched."""
    if is_local(path):
        return pq.read_metadata(path)
    store, key = store_of(path)
    tail = store.cat_file(key, start=-_TAIL)
    needed = int.from_bytes(tail[-_MAGIC : -_MAGIC // 2], "little") + _MAGIC
    if len(tail) == _TAIL < needed:
        tail = store.cat_file(key, start=-needed)
    return pq.read_metadata(pa.BufferReader(tail))


def schema_of(path: Path) -> pa.Schema:
    """The Arrow schema of a part, with the metadata of its footer."""
    return footer(path).schema.to_arrow_schema()
