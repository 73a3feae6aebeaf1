"""How the columns of a part are written, and how many rows make a row group."""

from __future__ import annotations

from typing import Any, Final, Literal

import pyarrow as pa
import pyarrow.compute as pc

from storage.schemas import dtype_of, is_vector

Compression = Literal["none", "zstd"]
"""Of vectors; thumbnails have none, and the other columns always zstd."""

PICTURE_BYTES: Final = 8 << 20
"""Of thumbnails in a row group, about: who looks for one reads those of its group."""

_GROUP_BYTES: Final = 32 << 20  # of vectors, so that reading by row group stays small
_GROUP_ROWS: Final = 1 << 17


def written_as(schema: pa.Schema, compression: Compression) -> dict[str, Any]:
    """How the columns of a part are written; the leaf of a list of numbers has another name.

    Of pictures there are no statistics: the footer would hold the least and the greatest.
    """
    vectors, pictures = _vector_columns(schema), _pictures(schema)
    lists = [field.name for field in schema if pa.types.is_fixed_size_list(field.type)]
    leaves = {name: f"{name}.list.element" for name in lists}
    packed = compression != "none"
    split = [  # DuckDB reads no byte-stream-split float16
        name for name in vectors if packed and dtype_of(schema.field(name).type) == "float32"
    ]
    codecs = {**dict.fromkeys(vectors, compression), **dict.fromkeys(pictures, "none")}
    return {
        "use_dictionary": _text_columns(schema),
        "write_statistics": [n for n in schema.names if n not in leaves and n not in pictures],
        "compression": {leaves.get(n, n): codecs.get(n, "zstd") for n in schema.names},
        "column_encoding": {leaves[name]: "BYTE_STREAM_SPLIT" for name in split} or None,
        "write_page_checksum": True,
    }


def rows_per_group(schema: pa.Schema) -> int:
    """The rows of a row group: so many that their vectors take some 32 MB."""
    numbers = sum(_vector_columns(schema).values())
    return min(_GROUP_ROWS, max(1024, _GROUP_BYTES // (4 * numbers))) if numbers else _GROUP_ROWS


def group_rows(table: pa.Table) -> int:
    """The same, and of pictures some 8 MB: who looks for one reads those of its group."""
    size = picture_bytes(table)
    fitting = max(1, PICTURE_BYTES * table.num_rows // size) if size else _GROUP_ROWS
    return min(rows_per_group(table.schema), fitting)


def picture_bytes(table: pa.Table) -> int:
    """The bytes of the pictures of a table."""
    return sum(pc.sum(pc.binary_length(table[n])).as_py() or 0 for n in _pictures(table.schema))


def _text_columns(schema: pa.Schema) -> list[str]:
    return [f.name for f in schema if pa.types.is_string(f.type)]


def _vector_columns(schema: pa.Schema) -> dict[str, int]:
    return {f.name: f.type.list_size for f in schema if is_vector(f.type)}


def _pictures(schema: pa.Schema) -> list[str]:
    return [f.name for f in schema if f.name == "thumbnail" and pa.types.is_binary(f.type)]
