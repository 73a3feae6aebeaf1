"""Cells in another dtype: made of the stored ones, row group by row group."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from storage.cells import free_path
from storage.formats import Compression
from storage.parquet import schema_of
from storage.records import read_record
from storage.schemas import Dtype, dtype_of, embeddings_schema
from storage.tables import (
    part_metadata,
    part_writer,
    reading,
    stream_part,
    vector_column,
    vectors_of,
)

_FROM = "mmindex.converted_from"


def convert_cells(source: Path, folder: Path, dtype: Dtype, compression: Compression) -> Path:
    """Write the part ``source`` with vectors of ``dtype`` into ``folder``; returns where it is.

    Rows and record stay as they are. The footer says what the vectors were converted from: numbers
    that were rounded once do not get their digits back. As with ``cells.write_cells``, a part with
    an equal record is kept, and beside one with another the new part gets the next free name.
    """
    path = free_path(folder / source.name, read_record(source))
    if path.exists():
        return path
    with reading(source):
        before = schema_of(source)
    old = before.field("vector").type
    told = part_metadata(source) | {_FROM: dtype_of(old)}
    stored = embeddings_schema(old.list_size, dtype_of(old))
    schema = embeddings_schema(old.list_size, dtype)
    place = schema.get_field_index("vector")
    with part_writer(path, schema, told, compression=compression) as write:
        for rows in stream_part(source, like=stored):
            vectors = vector_column(vectors_of(rows), dtype)
            write(rows.set_column(place, schema.field(place), pa.chunked_array([vectors])))
    return path
