"""Build the indexes: one per modality in the space it is searched in, one over fused vectors."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect import task

from mmcore.types import Ids, Vectors
from storage.indexes.build import build_index, build_name
from storage.indexes.files import IndexCard, write_index
from storage.layout import space_folder
from storage.manifest import IndexEntry, Manifest
from storage.schemas import FUSED, MODALITIES
from storage.snapshot import Snapshot
from tasks.manifests import with_files
from tasks.policies import POLICY
from tasks.workplace import Workplace


@task(name="build-indexes", **POLICY)
def build_indexes(manifest: Manifest, work: Workplace, published: Snapshot | None) -> Manifest:
    """Index each modality that has live vectors, and the fused vectors; a built index is kept."""
    snapshot = Snapshot.of(work.lake, manifest)
    built = []
    for modality in MODALITIES:
        if manifest.paths(f"segments/{modality}/"):
            space, ids, vectors = snapshot.vectors(modality)
            if len(ids):
                built.append(_index(modality, space, ids, vectors, work))
    fused = snapshot.fused()
    if fused is not None and manifest.fusion is not None:
        ids, vectors, _ = fused
        built.append(_index(FUSED, manifest.fusion.space, ids, vectors, work))
    folders = [work.lake.root / entry.path for entry in built]
    files = [folder / name for folder in folders for name in ("index.faiss", "index.json")]
    manifest = manifest.model_copy(update={"indexes": built})
    return with_files(manifest, files, work, published)


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
