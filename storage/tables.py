"""Parquet parts: written whole, read with damage found."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from storage.atomic import replacing
from storage.errors import CorruptLakeError
from storage.schemas import SCHEMA_VERSION, vector_type

_GROUP_BYTES: Final = 32 << 20  # of vectors, so that reading by row group stays small
_GROUP_ROWS: Final = 1 << 17
_HASHED_ROWS: Final = 1 << 16
_NO_METADATA: Final[Mapping[str, str]] = MappingProxyType({})


def write_part(path: Path, table: pa.Table, metadata: Mapping[str, str] = _NO_METADATA) -> Path:
    """Write ``table`` as one Parquet file at ``path``, whole or not at all, and return ``path``.

    The footer gets ``metadata`` and ``mmindex.schema_version``. Vectors are stored plain: neither
    a dictionary nor a codec makes them smaller, and both make them slow. Pages carry checksums.
    """
    texts, vectors = _text_columns(table.schema), _vector_columns(table.schema)
    footer = {"mmindex.schema_version": str(SCHEMA_VERSION), **metadata}
    with replacing(path) as temporary:
        pq.write_table(
            table.replace_schema_metadata(footer),
            temporary,
            use_dictionary=texts,
            write_statistics=[name for name in table.column_names if name not in vectors],
            compression={
                name if name not in vectors else f"{name}.list.element": (
                    "zstd" if name not in vectors else "none"
                )
                for name in table.column_names
            },
            row_group_size=_rows_per_group(table.schema),
            write_page_checksum=True,
        )
    return path


def write_rows(folder: Path, table: pa.Table) -> Path:
    """Write ``table`` as ``part-<hash of schema and rows>.parquet``; a file that exists is kept.

    Equal rows in equal order give the same name, however the table is cut into chunks.
    """
    path = folder / f"part-{rows_digest(table)}.parquet"
    return path if path.exists() else write_part(path, table)


def read_parts(paths: Sequence[Path], columns: Sequence[str] | None = None) -> pa.Table:
    """Read parts into one table, in order; a column that some parts lack is null there.

    Raises CorruptLakeError naming the file that is missing, damaged or does not fit the others.
    """
    tables = [table for path in paths for table in stream_part(path, columns)]
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


def stream_part(path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """Yield a part by row groups (at least one table, maybe without rows)."""
    with reading(path), pq.ParquetFile(path, page_checksum_verification=True) as part:
        schema = part.schema_arrow.remove_metadata()
        names = [n for n in (schema.names if columns is None else columns) if n in schema.names]
        yield schema.empty_table().select(names)
        for group in range(part.num_row_groups):
            rows = part.read_row_group(group, columns=names)
            yield rows.replace_schema_metadata(None).select(names)


def part_metadata(path: Path) -> dict[str, str]:
    """The footer's own keys and values; reads no rows."""
    with reading(path):
        stored = pq.read_metadata(path).metadata or {}
    return {k.decode(): v.decode() for k, v in stored.items() if k != b"ARROW:schema"}


def part_rows(path: Path) -> int:
    """The number of rows by the footer."""
    with reading(path):
        return int(pq.read_metadata(path).num_rows)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what Arrow says of a damaged ``path`` into CorruptLakeError; other OSErrors pass."""
    try:
        yield
    except FileNotFoundError as error:
        raise CorruptLakeError(path, "is missing") from error
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
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


def vector_column(vectors: NDArray[np.float32]) -> pa.FixedSizeListArray:
    """A (n, d) float32 array as an Arrow column; no copy where it is in C order."""
    flat = np.ascontiguousarray(vectors, dtype=np.float32).reshape(-1)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), type=vector_type(vectors.shape[1]))


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


def _text_columns(schema: pa.Schema) -> list[str]:
    return [f.name for f in schema if pa.types.is_string(f.type)]


def _vector_columns(schema: pa.Schema) -> dict[str, int]:
    return {f.name: f.type.list_size for f in schema if pa.types.is_fixed_size_list(f.type)}


def _rows_per_group(schema: pa.Schema) -> int:
    numbers = sum(_vector_columns(schema).values())
    return min(_GROUP_ROWS, max(1024, _GROUP_BYTES // (4 * numbers))) if numbers else _GROUP_ROWS
