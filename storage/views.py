"""``views.sql``: DuckDB views of one snapshot's live rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa

from storage import schemas
from storage.layout import Layout
from storage.manifest import EncoderEntry, Manifest
from storage.schemas import FUSED, MODALITIES

_HEADER: Final = """\
-- Snapshot {number} of a mmindex lake: views of exactly its live rows, for DuckDB.{schema}
-- The paths below are relative to the lake. Either start DuckDB in the lake:
--     cd LAKE && duckdb -init snapshots/{number}/views.sql
-- or, from anywhere, say where it lies before reading this file:
--     SET file_search_path = 'LAKE';
"""

SCHEMA: Final = f" Schema {schemas.SCHEMA_VERSION}."
"""Ends the first line of the views that this version writes."""

_RELATIVE: Final = Layout(Path())

_TYPES: Final = {
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
    pa.string(): "VARCHAR",
    pa.binary(): "BLOB",
    pa.list_(pa.string()): "VARCHAR[]",
    schemas.BOX: "DOUBLE[]",
    pa.timestamp("us", tz="UTC"): "TIMESTAMPTZ",
}


def views_sql(manifest: Manifest) -> str:
    """SQL that makes the views of a snapshot.

    ``files``, ``items``, ``item_files``, ``quarantine`` and ``segments`` (of all modalities, with
    the column ``modality``) are always there. ``embeddings_<modality>`` (the encoder's cells),
    ``vectors_<modality>`` (what is searched) and ``fused`` are there if they have files, as are
    the frozen ``queries``, and ``words``. All have today's columns, whichever version wrote the
    files.
    """
    number = "candidate" if manifest.number is None else manifest.number
    return "\n".join([_HEADER.format(number=number, schema=SCHEMA), *_views(manifest)])


def _views(manifest: Manifest) -> Iterator[str]:
    for table, schema in (
        ("files", schemas.FILES),
        ("items", schemas.ITEMS),
        ("item_files", schemas.ITEM_FILES),
        ("quarantine", schemas.QUARANTINE),
    ):
        paths = manifest.paths(table)
        yield _view(table, _union(schema, [f"SELECT * FROM {_parts(paths)}"] if paths else []))
    yield _view("segments", _segments(manifest))
    for table, schema in (("queries", schemas.QUERIES), ("words", schemas.WORDS)):
        if paths := manifest.paths(table):  # older snapshots have no such view
            yield _view(table, _union(schema, [f"SELECT * FROM {_parts(paths)}"]))
    for encoder in map(manifest.encoder, MODALITIES):
        if encoder is not None:
            yield from _vector_views(manifest, encoder)
    yield from _fused(manifest)


def _segments(manifest: Manifest) -> str:
    parts = {modality: manifest.paths(f"segments/{modality}") for modality in MODALITIES}
    schema = pa.schema([*schemas.SEGMENTS, schemas.required("modality", pa.string())])
    selected = [
        f"SELECT *, {_quoted(modality)} AS modality FROM {_parts(paths)}"
        for modality, paths in parts.items()
        if paths
    ]
    return _union(schema, selected)


def _vector_views(manifest: Manifest, encoder: EncoderEntry) -> Iterator[str]:
    layout, projection, modality = _RELATIVE, manifest.projection, encoder.modality
    own = layout.embeddings(modality, encoder.name, encoder.fingerprint, manifest.dtype)
    cells = manifest.paths(layout.relative(own))
    if cells:
        schema = schemas.embeddings_schema(encoder.dim)
        yield _view(
            f"embeddings_{modality}", _union(schema, [_live(cells, modality, encoder.dim, "*")])
        )
    searched, dim = cells, encoder.dim
    if projection is not None and manifest.joins(encoder):
        shared = layout.space(projection.space, modality, manifest.dtype)
        searched = manifest.paths(layout.relative(shared))
        dim = projection.dim
    if searched:
        columns = "segment_id, vector"
        yield _view(f"vectors_{modality}", _live(searched, modality, dim, columns))


def _fused(manifest: Manifest) -> Iterator[str]:
    fusion = manifest.fusion
    if fusion is None:
        return
    folder = _RELATIVE.fused(fusion.space, fusion.fingerprint, manifest.dtype)
    paths = manifest.paths(_RELATIVE.relative(folder))
    if paths:
        yield _view(
            FUSED,
            f"SELECT * REPLACE (CAST(vector AS FLOAT[{fusion.dim}]) AS vector)\n"
            f"FROM {_parts(paths)}\nWHERE item_id IN (SELECT item_id FROM items)",
        )


def _live(paths: Sequence[str], modality: str, dim: int, columns: str) -> str:
    """The live rows of immutable parts; of a segment that several parts hold, the first."""
    parts, kind = _parts(paths, ", filename = true"), _quoted(modality)
    return (
        f"SELECT {columns} FROM (\n"
        f"SELECT * EXCLUDE (filename) REPLACE (CAST(vector AS FLOAT[{dim}]) AS vector)\n"
        f"FROM {parts}\nSEMI JOIN (\n"
        f"SELECT segment_id, min(filename) AS filename FROM {parts}\n"
        f"WHERE segment_id IN (SELECT segment_id FROM segments WHERE modality = {kind})\n"
        "GROUP BY segment_id) AS live USING (segment_id, filename))"
    )


def _union(schema: pa.Schema, selected: Sequence[str]) -> str:
    """The rows of all that is ``selected``, with the columns of ``schema`` first and always."""
    columns = ", ".join(f"CAST(NULL AS {_type(f.type)}) AS {_named(f.name)}" for f in schema)
    return "\nUNION ALL BY NAME ".join([f"SELECT {columns} WHERE false", *selected])


def _type(kind: pa.DataType) -> str:
    return f"FLOAT[{kind.list_size}]" if schemas.is_vector(kind) else _TYPES[kind]


def _view(name: str, query: str) -> str:
    return f"CREATE OR REPLACE VIEW {_named(name)} AS\n{query};\n"


def _parts(paths: Sequence[str], options: str = "") -> str:
    names = ",\n    ".join(_quoted(path) for path in paths)
    options = f"union_by_name = true, hive_partitioning = false{options}"
    return f"read_parquet([\n    {names}\n], {options})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _named(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
