"""The indexes of a candidate: one a modality, one over fused vectors. Loads no Prefect."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np

from mmcore.types import Ids, Vectors
from storage.indexes.build import build_index, build_name
from storage.indexes.files import IndexCard, write_index
from storage.layout import space_folder
from storage.manifest import IndexEntry, Manifest
from storage.schemas import FUSED, MODALITIES, Modality
from storage.snapshot import Snapshot
from tasks.manifests import same_files, with_files
from tasks.workplace import Workplace


def indexed(manifest: Manifest, work: Workplace, published: Snapshot | None) -> Manifest:
    """Index each modality that has live vectors, and the fused vectors; a built index is kept."""
    snapshot = Snapshot.of(work.lake, manifest)
    built = []
    for name in (*MODALITIES, FUSED):
        if not manifest.paths(FUSED if name == FUSED else f"segments/{name}"):
            continue
        entry = _kept(name, manifest, published)
        if entry is None:
            space, ids, vectors = _vectors(snapshot, name)
            entry = _index(name, space, ids, vectors, work) if len(ids) else None
        if entry is not None:
            built.append(entry)
    folders = [work.lake.root / entry.path for entry in built]
    files = [folder / name for folder in folders for name in ("index.faiss", "index.json")]
    manifest = manifest.model_copy(update={"indexes": built})
    return with_files(manifest, files, work, published)


def _kept(name: str, manifest: Manifest, published: Snapshot | None) -> IndexEntry | None:
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
    return next((entry for entry in before.indexes if entry.modality == name), None)


def _vectors(snapshot: Snapshot, name: str) -> tuple[str, Ids, Vectors]:
    """Space, ids and vectors of a modality's segments, or of the items."""
    if name != FUSED:
        return snapshot.vectors(Modality(name))
    fused, told = snapshot.fused(), snapshot.manifest.fusion
    if fused is None or told is None:
        return "", np.empty(0, dtype=np.int64), np.empty((0, 0), dtype=np.float32)
    return told.space, fused[0], fused[1]


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
