"""Parquet parts: written whole, read with damage found."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from storage.columns import in_order, late_fields, widened
from storage.cutting import stretches
from storage.errors import CorruptLakeError
from storage.formats import Compression, group_rows, written_as
from storage.migrations import check_version
from storage.parquet import footer, part_file
from storage.places.atomic import replacing
from storage.schemas import SCHEMA_VERSION, Dtype, vector_type

_HASHED_ROWS: Final = 1 << 16
_NO_METADATA: Final[Mapping[str, str]] = MappingProxyType({})
_ANY: Final = pa.schema([])


def write_part(
    path: Path,
    table: pa.Table,
    metadata: Mapping[str, str] = _NO_METADATA,
    *,
    compression: Compression = "none",
) -> Path:
    """Write ``table`` as one Parquet file at ``path``, whole or not at all, and return ``path``.

    The footer gets ``metadata`` and ``mmindex.schema_version``. Vectors have no dictionary, which
    makes them large and slow, and the codec ``compression``. Pages carry checksums.
    """
    with part_writer(path, table.schema, metadata, compression=compression) as write:
        write(table)
    return path


@contextmanager
def part_writer(
    path: Path,
    schema: pa.Schema,
    metadata: Mapping[str, str] = _NO_METADATA,
    *,
    compression: Compression = "none",
) -> Iterator[Callable[[pa.Table], None]]:
    """``write_part`` piece by piece: yields what takes one table of ``schema`` after another."""
    told = {**metadata, "mmindex.schema_version": str(SCHEMA_VERSION)}
    with (
        replacing(path, final=True) as temporary,
        pq.ParquetWriter(
            temporary, schema.with_metadata(told), **written_as(schema, compression)
        ) as writer,
    ):
        yield lambda table: writer.write_table(
            table.replace_schema_metadata(told), row_group_size=group_rows(table)
        )


def write_rows(folder: Path, table: pa.Table, *, compression: Compression = "none") -> list[Path]:
    """Write a table sorted by its key as parts that are cut by content; returns them in its order.

    Each is ``part-<hash of schema and rows>.parquet``, and one that exists is kept: of a table
    that has changed a little, only the stretches around the changes are written. Equal rows in
    equal order give the same names, however the table is cut into chunks.
    """
    paths = []
    for rows in stretches(table):
        paths.append(folder / f"part-{rows_digest(rows)}.parquet")
        if not paths[-1].exists():
            write_part(paths[-1], rows, compression=compression)
    return paths


def read_parts(
    paths: Sequence[Path],
    columns: Sequence[str] | None = None,
    *,
    like: pa.Schema = _ANY,
) -> pa.Table:
    """Read parts into one table, in order; a column that some parts lack is null there.

    So is one of ``like`` that all of them lack, since it came with a later schema version. Raises
    CorruptLakeError naming the file that is missing, damaged or does not fit the others.
    """
    tables = [table for path in paths for table in stream_part(path, columns, like=like)]
    if not tables:
        return pa.table({})
    try:  # also the empty ones: their columns count
        whole = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise CorruptLakeError(paths[0].parent, f"parts do not fit together: {error}") from error
    lacking = [name for name in columns or () if name not in whole.column_names]
    if lacking:
        raise CorruptLakeError(paths[0], f"has no column {', '.join(lacking)}")
    return _without_empty_chunks(whole if columns is None else whole.select(list(columns)))


def _without_empty_chunks(table: pa.Table) -> pa.Table:
    chunked = [pa.chunked_array([c for c in a.chunks if len(c)], a.type) for a in table.columns]
    return pa.table(chunked, schema=table.schema)


def stream_part(
    path: Path, columns: Sequence[str] | None = None, *, like: pa.Schema = _ANY
) -> Iterator[pa.Table]:
    """Yield a part by row groups (at least one table, maybe without rows).

    Columns of ``like`` that the part lacks, being of an earlier schema version, are null; without
    ``columns``, those of ``like`` come first, in its order.
    """
    with reading(path), part_file(path) as part:
        version = known_version(path, part.schema_arrow.metadata)
        schema, late = part.schema_arrow.remove_metadata(), late_fields(like, version)
        wanted = in_order(schema.names, like, version) if columns is None else columns
        names = [n for n in wanted if n in schema.names]
        told = [n for n in wanted if n in schema.names or n in late]
        yield widened(schema.empty_table().select(names), told, late, 0)
        for group in range(part.num_row_groups):
            rows = part.read_row_group(group, columns=names)
            count = part.metadata.row_group(group).num_rows
            yield widened(rows.replace_schema_metadata(None), told, late, count)


def part_metadata(path: Path) -> dict[str, str]:
    """The footer's own keys and values; reads no rows."""
    with reading(path):
        stored = footer(path).metadata or {}
        known_version(path, stored)
    return {k.decode(): v.decode() for k, v in stored.items() if k != b"ARROW:schema"}


def part_rows(path: Path) -> int:
    """The number of rows by the footer."""
    with reading(path):
        return int(footer(path).num_rows)


def known_version(path: Path, metadata: Mapping[bytes, bytes] | None) -> int:
    """The schema version that a part was written under; refuse one that is not known."""
    told = (metadata or {}).get(b"mmindex.schema_version", b"")
    if not told:
        raise CorruptLakeError(path, "is no part of a lake: its footer names no schema version")
    version = int(told) if told.isdigit() else 0
    check_version(path, version or told.decode("utf-8", "replace"))
    return version


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what Arrow says of a damaged ``path`` into CorruptLakeError; other OSErrors pass."""
    try:
        yield
    except FileNotFoundError as error:
        raise CorruptLakeError(path, "is missing") from error
    except (pa.ArrowException, OSError) as error:
        said = isinstance(error, OSError) and type(error) is not OSError  # by a store's client
        if getattr(error, "errno", None) is not None or said:
            raise
        raise CorruptLakeError(path, str(error).partition("\n")[0]) from error


def vectors_of(table: pa.Table, column: str = "vector") -> NDArray[np.float32]:
    """The vectors as a (n, d) float32 array; no copy where the column is one chunk of float32."""
    rows = table[column]
    if rows.null_count:
        raise ValueError(f"{rows.null_count} rows of {column!r} have no vector")
    whole = rows.chunk(0) if rows.num_chunks == 1 else rows.combine_chunks()
    flat = whole.flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat, dtype=np.float32).reshape(len(whole), whole.type.list_size)


def vector_column(vectors: NDArray[np.float32], dtype: Dtype = "float32") -> pa.FixedSizeListArray:
    """A (n, d) float32 array as an Arrow column of ``dtype``; no copy where nothing changes."""
    flat = np.ascontiguousarray(vectors, dtype=dtype).reshape(-1)
    kind = vector_type(vectors.shape[1], dtype)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), type=kind)


def rows_digest(table: pa.Table) -> str:
    """Hash names, types and values to 16 hex digits; chunks and metadata do not matter."""
    hasher = hashlib.sha256(f"{SCHEMA_VERSION}".encode())
    for field, column in zip(table.schema, table.columns, strict=True):
        hasher.update(f"{field.name}\0{field.type}\0{field.nullable}\0{len(column)}\0".encode())
        for start in range(0, len(column), _HASHED_ROWS):
            block = column.slice(start, _HASHED_ROWS)
            for leaf in _leaves(pa.concat_arrays(block.chunks)):
                hasher.update(leaf)
    return hasher.hexdigest()[:16]


def _leaves(array: Any) -> Iterator[bytes]:
    """The bytes that tell an array's values, and nothing that depends on how Arrow holds them."""
    yield np.packbits(np.asarray(array.is_valid())).tobytes()
    array, kind = array.drop_null(), array.type
    if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        yield np.asarray(pc.list_value_length(array), dtype=np.int64).tobytes()
        yield from _leaves(array.flatten())
    elif pa.types.is_string(kind) or pa.types.is_binary(kind):
        yield np.asarray(pc.binary_length(array), dtype=np.int64).tobytes()
        yield from _joined(array)
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind):
        yield np.asarray(array).tobytes()
    else:  # times, decimals, structs of the user's columns
        yield repr(array.to_pylist()).encode("utf-8", "surrogatepass")


def _joined(array: Any) -> Iterator[bytes]:
    """The bytes of a string or binary array without nulls, end to end."""
    if len(array):
        _, offsets, values = array.buffers()
        ends = np.frombuffer(offsets, dtype=np.int32)[array.offset : array.offset + len(array) + 1]
        if ends[-1] > ends[0]:
            yield values.slice(int(ends[0]), int(ends[-1] - ends[0])).to_pybytes()
