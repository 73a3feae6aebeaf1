"""Small published lakes of real files, with encoders that know a few colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import numpy as np
import pyarrow as pa
from PIL import Image

from mmcore import rows
from mmcore.fusion.base import fusion_of
from mmcore.fusion.pooling import Members, fuse_items
from mmcore.media.images.load import load_image
from mmcore.media.sounds.windows import windows
from mmcore.media.texts.chunks import chunks
from mmcore.media.texts.language import detect_language
from mmcore.media.texts.read import read_text
from mmcore.specs import FusionSpec, LimitsSpec, SegmentationSpec
from mmcore.types import Content, Item, MediaFile, Rejection, Segment, unit_rows
from storage import schemas, tables
from storage.cells import PartRecord, part_path, write_cells
from storage.indexes.card import IndexCard
from storage.indexes.choosing.build import build_index, build_name
from storage.indexes.files import write_index
from storage.layout import Layout, space_folder
from storage.manifest import EncoderEntry, FusionEntry, IndexEntry, Manifest, entry
from storage.publication import publish
from storage.published import current
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tests import media
from tests.fakes import HashEncoder, hashed

WHEN = datetime(2026, 1, 1, tzinfo=UTC)
LIMITS = LimitsSpec()
CUT = SegmentationSpec()
COLOURS = {
    "red": ("红", (255, 0, 0)),
    "green": ("绿", (0, 255, 0)),
    "blue": ("蓝", (0, 0, 255)),
    "white": ("白", (255, 255, 255)),
    "black": ("黑", (0, 0, 0)),
    "yellow": ("黄", (255, 255, 0)),
    "pink": ("粉", (255, 128, 192)),
    "grey": ("灰", (128, 128, 128)),
}


class ColourEncoder(HashEncoder):
    """Two towers in one space: texts that name a colour and pictures of it lie close together."""

    def __init__(self, modality: Modality, **options) -> None:
        super().__init__(modality, dim=32, space="colours", **options)

    def _row(self, one):
        raw = str(one).encode() if self.key.modality is Modality.TEXT else one.tobytes()
        colour = named(str(one)) if self.key.modality is Modality.TEXT else seen(one)
        return hashed(colour.encode(), 32) + 0.2 * hashed(raw, 32)


def named(text: str) -> str:
    """The first colour that a text names, in English or Chinese."""
    found = [c for c, (zh, _) in COLOURS.items() if c in text.lower() or zh in text]
    return found[0] if found else text


def seen(pixels: np.ndarray) -> str:
    """The colour nearest to the mean of a picture."""
    mean = pixels.reshape(-1, 3).mean(axis=0)
    return min(COLOURS, key=lambda c: float(np.linalg.norm(mean - COLOURS[c][1])))


def towers(*, audio: bool = False, version: int = 1) -> tuple[HashEncoder, ...]:
    """A text and a picture tower; ``audio`` adds an encoder with a space of its own."""
    pair = tuple(ColourEncoder(m, version=version) for m in (Modality.TEXT, Modality.IMAGE))
    return (*pair, HashEncoder(Modality.AUDIO)) if audio else pair


def coloured_items(
    colours: Sequence[str] = tuple(COLOURS), copies: int = 1
) -> dict[str, dict[str, str]]:
    """Items of a picture, an English and a Chinese caption, which copies have in common."""
    return {
        f"{colour}-{number}": {
            f"{colour}-{number}.png": colour,
            f"{colour}-{number}.txt": f"A {colour} wall.",
            f"{colour}-{number}.zh.txt": f"一面{COLOURS[colour][0]}色的墙。",
        }
        for colour in colours
        for number in range(1, copies + 1)
    }


def make_lake(
    root: Path,
    items: Mapping[str, Mapping[str, str]],
    encoders: Sequence[HashEncoder],
    *,
    rejections: Sequence[Rejection] = (),
    fused: bool = True,
    fusion: str = "mean",
) -> Snapshot:
    """Publish ``items`` (key → file name → text, colour or seconds) at ``root``/lake."""
    layout = Layout(root / "lake")
    made = [_item(root / "media", key, files) for key, files in items.items()]
    files = [file for item in made for file in item.files]
    paths: list[Path] = []
    item_files = rows.item_files_table(made)
    segments: dict[Modality, pa.Table] = {}
    for encoder in encoders:
        part, described = _cells(layout, encoder, root / "media", files)
        if described.num_rows:
            paths.append(part)
            segments[encoder.key.modality] = rows.segments_table(item_files, described)
    written = {
        "files": rows.files_table(files),
        "items": rows.items_table(made, segments),
        "item_files": item_files,
        "quarantine": rows.quarantine_table(rejections, None, WHEN),
        **{f"segments/{m}": table for m, table in segments.items()},
    }
    for name, table in written.items():
        paths += tables.write_rows(layout.rows(name), table)
    manifest = Manifest(
        parent=current(layout),
        run="run-1",
        created_at=WHEN,
        preset="colours",
        files=[entry(layout.root, path, {}) for path in paths],
        encoders=[
            EncoderEntry(
                modality=e.key.modality,
                name=e.key.name,
                fingerprint=e.key.fingerprint,
                space=e.key.space,
                dim=e.key.dim,
            )
            for e in encoders
        ],
        counts={"items": len(made), "files": len(files)},
    )
    return Snapshot.of(
        layout, publish(layout, _indexed(layout, manifest, fusion if fused else None))
    )


def thumbnail_of(content: str) -> bytes:
    """The small picture of a content: of no content else."""
    small = BytesIO()
    Image.new("RGB", (8, 8)).save(small, "JPEG", comment=content.encode())
    return small.getvalue()


def _item(folder: Path, key: str, files: Mapping[str, str]) -> Item:
    return Item("media", key, tuple(_file(folder, name, what) for name, what in files.items()))


def _file(folder: Path, name: str, what: str) -> MediaFile:
    path = folder / name
    if name.endswith(".png"):
        size = 8 + len(name) % 5, 8 + sum(name.encode()) % 31  # equal colours, other bytes
        media.png(path, Image.new("RGB", size, COLOURS[what][1]))
        kind = Modality.IMAGE
    elif name.endswith(".wav"):
        media.wav(path, float(what))
        kind = Modality.AUDIO
    else:
        media.text(path, what)
        kind = Modality.TEXT
    data = path.read_bytes()
    return MediaFile("media", name, schemas.content_id(data), kind, str(kind), len(data), 0)


def _cells(layout: Layout, encoder: HashEncoder, folder: Path, files: Sequence[MediaFile]):
    mine = {f.content_id: f for f in files if f.modality in encoder.key.reads}
    described, inputs = [], []
    for file in mine.values():
        for segment, one in _segments(encoder, folder, file):
            described.append(_described(segment))
            inputs.append(one)
    key = encoder.key
    folder_of_cells = layout.embeddings(key.modality, key.name, key.fingerprint)
    path = part_path(folder_of_cells, schemas.digest(sorted(mine)))
    if not inputs:
        return path, schemas.DESCRIPTIONS.empty_table()
    found = pa.Table.from_pylist(described, schema=schemas.DESCRIPTIONS)
    prepared = inputs if key.modality == Modality.TEXT else np.stack(inputs)
    table = found
    if key.modality == Modality.IMAGE:
        small = [thumbnail_of(content) for content in found["content_id"].to_pylist()]
        table = table.append_column("thumbnail", pa.array(small, pa.binary()))
    table = table.append_column("vector", tables.vector_column(encoder.encode(prepared)))
    return write_cells(path, table, PartRecord(done=tuple(mine))), found


def _described(segment: Segment) -> dict[str, object]:
    names = ("segment_id", "content_id", "source", "segmentation", "language", "kind", "text")
    span = {} if segment.span is None else asdict(segment.span)
    return {name: getattr(segment, name) for name in names} | span


def _segments(encoder: HashEncoder, folder: Path, file: MediaFile):
    place = folder / file.path
    content = Content(
        file.content_id, file.modality, file.media_type, file.size, "media", file.path, str(place)
    )
    if file.modality == Modality.TEXT:
        for span, text in chunks(read_text(content, LIMITS), CUT):
            language = detect_language(text)
            yield (
                Segment(file.content_id, file.modality, "self", "chunk", span, language, text),
                text,
            )
    elif file.modality == Modality.AUDIO:
        for span, wave in windows(content, LIMITS, CUT):
            yield (
                Segment(file.content_id, file.modality, "self", "window", span),
                encoder.prepare(wave),
            )
    else:
        picture = load_image(content, LIMITS, target=8)
        yield Segment(file.content_id, file.modality, "self", "whole"), encoder.prepare(picture)


def _indexed(layout: Layout, manifest: Manifest, fused: str | None) -> Manifest:
    snapshot = Snapshot.of(layout, manifest)
    built, paths, members = [], [], {}
    for encoder in manifest.encoders:
        space, ids, vectors = snapshot.vectors(encoder.modality)
        if not len(ids):
            continue
        built.append(_index(layout, encoder.modality, space, ids, vectors))
        if space == "colours":
            pairs = snapshot.rows(f"segments/{encoder.modality}", ["segment_id", "item_id"])
            wanted = pairs["segment_id"].to_numpy()
            place = np.searchsorted(ids, wanted)
            members[encoder.modality] = Members(
                pairs["item_id"].to_numpy(), wanted, vectors[place]
            )
    entry_of_fusion = None
    if fused and members:
        fusion = fusion_of(FusionSpec(name=fused))
        space, dim = fusion.space_of("colours"), fusion.dim_of(32)
        found = fuse_items(space, fusion, members)
        assert found is not None
        entry_of_fusion = FusionEntry(
            name=fused, fingerprint=fusion.fingerprint, space=space, dim=dim
        )
        columns = [
            pa.array(found.item_ids),
            pa.array(found.inputs),
            tables.vector_column(found.vectors),
        ]
        columns += [pa.array(found.has[:, n]) for n in range(4)]
        columns += [pa.array(found.weights[:, n]) for n in range(4)]
        table = pa.Table.from_arrays(columns, schema=schemas.fused_schema(dim))
        paths += tables.write_rows(layout.fused(space, fusion.fingerprint), table)
        built.append(_index(layout, "fused", space, found.item_ids, found.vectors))
    paths += [layout.root / i.path / n for i in built for n in ("index.faiss", "index.json")]
    added = [entry(layout.root, path, {}) for path in paths]
    return manifest.model_copy(
        update={"indexes": built, "fusion": entry_of_fusion, "files": [*manifest.files, *added]}
    )


def _index(layout: Layout, modality: str, space: str, ids, vectors) -> IndexEntry:
    name = f"{space_folder(space)}-{modality}"
    build = build_name(ids, vectors)
    folder = layout.index(name, build)
    dim = vectors.shape[1]
    card = IndexCard(
        space=space, modality=modality, dim=dim, rows=len(ids), created_at=WHEN, build=build
    )
    write_index(folder, build_index(ids, unit_rows(vectors)), card)
    path = layout.relative(folder)
    return IndexEntry(
        name=name,
        path=path,
        space=space,
        modality=modality,
        rows=len(ids),
        dim=dim,
    )
