"""Makers of vectors, tables and small lakes on disk; the same arguments make the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from storage import schemas
from storage.cells import PartRecord, part_path, write_cells
from storage.indexes.card import IndexCard
from storage.indexes.choosing.build import build_index, build_name
from storage.indexes.files import write_index
from storage.layout import Layout
from storage.manifest import (
    EncoderEntry,
    FileEntry,
    FusionEntry,
    IndexEntry,
    Manifest,
    ProjectionEntry,
    entry,
)
from storage.publication import publish
from storage.published import current
from storage.schemas import MODALITIES, Modality
from storage.snapshot import Snapshot
from storage.tables import vector_column, write_part, write_rows

WHEN = datetime(2026, 11, 25, tzinfo=UTC)
IMAGES = EncoderEntry(
    modality=Modality.IMAGE, name="pictures", fingerprint="aa11", space="pictures", dim=8
)
TEXTS = EncoderEntry(
    modality=Modality.TEXT, name="words", fingerprint="bb22", space="words", dim=6
)
PROJECTION = ProjectionEntry(
    space="words/p1",
    version="p1",
    dim=6,
    encoders={e.name: e.fingerprint for e in (IMAGES, TEXTS)},
)
FUSION = FusionEntry(name="mean", fingerprint="cc33", space="words/p1", dim=6)


def unit_vectors(n: int, d: int, seed: int = 0) -> np.ndarray:
    """(n, d) float32 rows of length 1."""
    rows = np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def seed_of(*words: str) -> int:
    """A number that depends on the words alone."""
    return int.from_bytes(hashlib.sha256("\0".join(words).encode()).digest()[:4], "big")


def segment(content: str, number: int = 0, segmentation: str = "whole") -> int:
    """Id of the ``number``-th segment of a content, as ``cells`` makes it."""
    span = None if number == 0 else (float(number), number + 1.0, "char")
    return schemas.segment_id(content, "self", segmentation, span, box(number))


def box(number: int) -> tuple[float, float, float, float] | None:
    """Where the ``number``-th segment of a content lies in it, as ``cells`` makes it."""
    return None if number == 0 else (0.1, 0.2, 0.3, 1 - 1 / (number + 2))


def thumbnail(content: str, number: int = 0) -> bytes:
    """The small picture of a segment, as ``cells`` makes it."""
    return b"\xff\xd8" + hashlib.sha256(f"{content} {number}".encode()).digest()


def cells(contents: Sequence[str], dim: int = 8, *, segments: int = 1) -> pa.Table:
    """A table of cells, ``segments`` of each content; a content's vectors depend on it alone."""
    rows = [(content, number) for content in contents for number in range(segments)]
    vectors = [unit_vectors(1, dim, seed_of(content, str(number))) for content, number in rows]
    columns = {
        "segment_id": [segment(content, number) for content, number in rows],
        "content_id": [content for content, _ in rows],
        "source": ["self"] * len(rows),
        "segmentation": ["whole"] * len(rows),
        "language": ["zh" if content.isascii() is False else "en" for content, _ in rows],
        "start": [None if number == 0 else float(number) for _, number in rows],
        "end": [None if number == 0 else number + 1.0 for _, number in rows],
        "unit": [None if number == 0 else "char" for _, number in rows],
        "box": [box(number) for _, number in rows],
        "kind": [None if number == 0 else "region" for _, number in rows],
        "text": [content for content, _ in rows],
        "thumbnail": [thumbnail(content, number) for content, number in rows],
        "vector": vector_column(np.concatenate([np.empty((0, dim), np.float32), *vectors])),
    }
    return pa.table(columns, schema=schemas.embeddings_schema(dim))


def rejection(content: str, decoder: str = "pillow 1", **fields: Any) -> dict[str, Any]:
    """What a part records of a content that could not be read."""
    place = {"root": "media", "path": f"{content}.jpg", "content_id": content}
    where = dict.fromkeys(("source", "start", "end", "unit"))
    why = {"stage": "image", "reason": "decode-error", "message": "it ends early"}
    return {**place, **where, **why, "decoder": decoder, **fields}


def content(encoder: EncoderEntry, key: str) -> str:
    """The content of an item for one encoder."""
    return f"{key}-{encoder.modality}"


def manifest(**fields: Any) -> Manifest:
    """A manifest with what must be there."""
    return Manifest(**{"run": "run-1", "created_at": WHEN, "preset": "test", **fields})


def small_lake(
    root: Path, keys: Sequence[str] = ("cat", "狗", "owl"), *, dead: Sequence[str] = ()
) -> Snapshot:
    """Publish a snapshot of items with a picture and a text each, and open it.

    Vectors of ``dead`` lie in the snapshot's parts, but it has no such items.
    """
    layout = Layout(root)
    return Snapshot.of(layout, publish(layout, candidate(layout, keys, dead=dead)))


def candidate(layout: Layout, keys: Sequence[str], *, dead: Sequence[str] = ()) -> Manifest:
    """Write every file of a snapshot and return its manifest, ready to publish.

    It has cells, projected and fused vectors, rows, and one index for images, texts and fused.
    """
    paths, indexes = [], []
    for encoder in (IMAGES, TEXTS):
        paths += [path for key in (*keys, *dead) for path in _vector_parts(layout, encoder, key)]
        ids = np.array([segment(content(encoder, key)) for key in keys], dtype=np.int64)
        vectors = np.concatenate([np.empty((0, 6), np.float32), *_shared(encoder, keys)])
        indexes.append(_index(layout, encoder.modality, ids, vectors))
    paths += _row_parts(layout, keys)
    items = np.array([schemas.item_id("media", key) for key in keys], dtype=np.int64)
    fused = fused_table(keys)
    paths += write_rows(layout.fused(FUSION.space, FUSION.fingerprint), fused)
    indexes.append(_index(layout, "fused", items, fused_vectors(keys)))
    paths += [
        layout.root / index.path / name
        for index in indexes
        for name in ("index.faiss", "index.json")
    ]
    return manifest(
        run=f"run-{len(keys)}",
        parent=current(layout),
        files=entries(layout, paths),
        encoders=[IMAGES, TEXTS],
        projection=PROJECTION,
        fusion=FUSION,
        indexes=indexes,
    )


def entries(layout: Layout, paths: Sequence[Path]) -> list[FileEntry]:
    """The manifest's entries of files."""
    return [entry(layout.root, path, {}) for path in sorted(set(paths))]


def fused_vectors(keys: Sequence[str]) -> np.ndarray:
    """One vector an item, (n, 6)."""
    rows = [unit_vectors(1, 6, seed_of("fused", key)) for key in keys]
    return np.concatenate([np.empty((0, 6), np.float32), *rows])


def fused_table(keys: Sequence[str]) -> pa.Table:
    """The fused vectors of items with a picture and a text."""
    present: Mapping[str, Any] = {
        f"has_{m}": [m in (Modality.IMAGE, Modality.TEXT)] * len(keys) for m in MODALITIES
    }
    weights = {
        f"weight_{m}": [0.5 if present[f"has_{m}"][:1] == [True] else 0.0] * len(keys)
        for m in MODALITIES
    }
    ids = [schemas.item_id("media", key) for key in keys]
    columns = {"item_id": ids, "inputs": ids, "vector": vector_column(fused_vectors(keys))}
    return pa.table({**columns, **present, **weights}, schema=schemas.fused_schema(6))


def _shared(encoder: EncoderEntry, keys: Sequence[str]) -> list[np.ndarray]:
    return [unit_vectors(1, 6, seed_of("shared", content(encoder, key))) for key in keys]


def _vector_parts(layout: Layout, encoder: EncoderEntry, key: str) -> Iterator[Path]:
    name = content(encoder, key)
    folder = layout.embeddings(encoder.modality, encoder.name, encoder.fingerprint)
    path = part_path(folder, schemas.digest(name))
    yield write_cells(path, cells([name], encoder.dim), PartRecord((name,)))
    projected = layout.space(PROJECTION.space, encoder.modality) / path.name
    if not projected.exists():
        columns = [[segment(name)], vector_column(_shared(encoder, [key])[0])]
        write_part(projected, pa.table(columns, schema=schemas.projected_schema(6)))
    yield projected


def _row_parts(layout: Layout, keys: Sequence[str]) -> Iterator[Path]:
    """Files, items, what joins them, and the segments."""
    for name, table in (
        ("files", files_table(keys)),
        ("items", items_table(keys)),
        ("item_files", item_files_table(keys)),
        ("segments/image", segments_table(IMAGES, keys)),
        ("segments/text", segments_table(TEXTS, keys)),
    ):
        yield from write_rows(layout.rows(name), table)


def files_table(keys: Sequence[str]) -> pa.Table:
    """A picture and a text of each item."""
    rows = [
        {
            "root": "media",
            "path": f"{key}.{ending}",
            "content_id": content(encoder, key),
            "modality": encoder.modality,
            "media_type": kind,
            "size": 1,
            "mtime_ns": 2,
        }
        for key in keys
        for encoder, ending, kind in ((IMAGES, "png", "image/png"), (TEXTS, "txt", "text/plain"))
    ]
    return pa.Table.from_pylist(rows, schema=schemas.FILES)


def items_table(keys: Sequence[str]) -> pa.Table:
    """Items with a picture and a text."""
    rows = [
        {
            "item_id": schemas.item_id("media", key),
            "root": "media",
            "key": key,
            "labels": [key],
            **{f"has_{m}": m in (Modality.IMAGE, Modality.TEXT) for m in MODALITIES},
        }
        for key in keys
    ]
    return pa.Table.from_pylist(rows, schema=schemas.ITEMS)


def item_files_table(keys: Sequence[str]) -> pa.Table:
    """Which files an item has."""
    rows = [
        {
            "item_id": schemas.item_id("media", key),
            "root": "media",
            "path": f"{key}.{ending}",
            "content_id": content(encoder, key),
            "role": encoder.modality,
        }
        for key in keys
        for encoder, ending in ((IMAGES, "png"), (TEXTS, "txt"))
    ]
    return pa.Table.from_pylist(rows, schema=schemas.ITEM_FILES)


def segments_table(encoder: EncoderEntry, keys: Sequence[str]) -> pa.Table:
    """One segment an item."""
    described = cells([content(encoder, key) for key in keys], encoder.dim).select(
        schemas.DESCRIPTIONS.names
    )
    ids = pa.array([schemas.item_id("media", key) for key in keys], pa.int64())
    return described.add_column(1, schemas.SEGMENTS.field("item_id"), ids).cast(schemas.SEGMENTS)


def _index(layout: Layout, modality: str, ids: np.ndarray, vectors: np.ndarray) -> IndexEntry:
    build = build_name(ids, vectors)
    folder = layout.index(f"{modality}-words-p1", build)
    shape = {"space": PROJECTION.space, "modality": modality, "rows": len(ids), "dim": 6}
    card = IndexCard(**shape, created_at=WHEN, build=build)
    write_index(folder, build_index(ids, vectors), card)
    return IndexEntry(name=folder.parent.name, path=layout.relative(folder), **shape)


def made_older(path: Path, version: int = 2) -> Path:
    """Put a part in place of itself as an older schema version wrote it: with fewer columns."""
    part = pq.ParquetFile(path)
    told = {**part.schema_arrow.metadata, b"mmindex.schema_version": str(version).encode()}
    late = [n for n, since in schemas.SINCE.items() if n in part.schema_arrow.names and since > 2]
    table = part.read().drop_columns(late)
    path.unlink()
    pq.write_table(table.replace_schema_metadata(told), path)
    return path
