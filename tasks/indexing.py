"""The indexes of a candidate: one a modality and space, one over fused vectors. No Prefect."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np

from mmcore.types import Ids, Vectors
from storage.indexes.build import build_index, build_name
from storage.indexes.card import IndexCard
from storage.indexes.files import write_index
from storage.layout import space_folder
from storage.manifest import IndexEntry, Manifest
from storage.schemas import FUSED, MODALITIES, Modality
from storage.snapshot import Snapshot
from tasks.manifests import same_files, with_files
from tasks.workplace import Workplace


def indexed(manifest: Manifest, work: Workplace, published: Snapshot | None) -> Manifest:
    """Index each modality that has live vectors, and the fused vectors; a built index is kept.

    Texts have an index in each space in which another medium may ask for them.
    """
    snapshot = Snapshot.of(work.lake, manifest)
    built = []
    for name, space in _wanted(manifest):
        entry = _kept(name, space, manifest, published)
        if entry is None:
            ids, vectors = _vectors(snapshot, name, space)
            entry = _index(name, space, ids, vectors, work) if len(ids) else None
        if entry is not None:
            built.append(entry)
    folders = [work.lake.root / entry.path for entry in built]
    files = [folder / name for folder in folders for name in ("index.faiss", "index.json")]
    manifest = manifest.model_copy(update={"indexes": built})
    return with_files(manifest, files, work, published)


def _wanted(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """What is indexed, and in which space: a modality's main one, and those of others' queries."""
    for name in MODALITIES:
        if not manifest.paths(f"segments/{name}"):
            continue
        asked = {s for m in MODALITIES if m != name for s in manifest.spaces(m)}
        spaces = manifest.spaces(name)
        yield from ((name, s) for place, s in enumerate(spaces) if not place or s in asked)
    if manifest.fusion is not None and manifest.paths(FUSED):
        yield FUSED, manifest.fusion.space


def _kept(
    name: str, space: str, manifest: Manifest, published: Snapshot | None
) -> IndexEntry | None:
    """The published index of a modality, or of the items, over files that are still the same."""
    if published is None:
        return None
    before = published.manifest
    folders = [f"segments/{name}", f"embeddings/{name}"]
    if name == FUSED:
        folders = ["items", FUSED]
    decided = [(m.encoders, m.projection, m.fusion, m.dtype) for m in (manifest, before)]
    if decided[0] != decided[1] or not same_files(manifest, before, of=folders):
        return None
    mine = (entry for entry in before.indexes if entry.modality == name)
    return next((entry for entry in mine if entry.space == space), None)


def _vectors(snapshot: Snapshot, name: str, space: str) -> tuple[Ids, Vectors]:
    """Ids and vectors of a modality's segments in ``space``, or of the items."""
    if name != FUSED:
        return snapshot.vectors(Modality(name), space=space)[1:]
    fused = snapshot.fused()
    if fused is None:
        return np.empty(0, dtype=np.int64), np.empty((0, 0), dtype=np.float32)
    return fused[:2]


def _index(modality: str, space: str, ids: Ids, vectors: Vectors, work: Workplace) -> IndexEntry:
    """Build the index of ``ids``, or find it built: its folder is named by what it holds."""
    name = f"{space_folder(space)}-{modality}"
    build = build_name(ids, vectors)
    folder = work.lake.index(name, build)
    if not (folder / "index.json").exists():
        card = IndexCard(
            space=space,
            modality=modality,
            dim=vectors.shape[1],
            rows=len(ids),
            created_at=datetime.now(UTC),
            build=build,
        )
        write_index(folder, build_index(ids, vectors), card)
    return IndexEntry(
        name=name,
        path=work.lake.relative(folder),
        space=space,
        modality=modality,
        rows=len(ids),
        dim=vectors.shape[1],
    )
