"""Fuse: one vector per item out of what the item has."""

from __future__ import annotations

import pyarrow as pa
from prefect import task

from mmcore.fusion.base import Fusion, fusion_of
from mmcore.fusion.pooling import Members, fuse_items
from mmcore.specs import FusionSpec
from mmcore.types import Fused
from storage import schemas, tables
from storage.manifest import FusionEntry, Manifest
from storage.schemas import MODALITIES, Modality
from storage.snapshot import Snapshot
from tasks.manifests import with_files
from tasks.policies import POLICY
from tasks.workplace import Workplace


@task(name="fuse", **POLICY)
def fuse(
    manifest: Manifest, spec: FusionSpec, work: Workplace, published: Snapshot | None
) -> Manifest:
    """Write the fused vectors of every item that has something in the shared space."""
    if manifest.projection is None:
        return manifest
    fusion = fusion_of(spec)
    space = manifest.projection.space
    fused = fuse_items(space, fusion, shared_members(Snapshot.of(work.lake, manifest), space))
    if fused is None:
        return manifest
    path = tables.write_rows(work.lake.fused(space, fusion.fingerprint), fused_table(fused))
    manifest = manifest.model_copy(update={"fusion": _entry(fusion, fused)})
    return with_files(manifest, [path], work, published)


def _entry(fusion: Fusion, fused: Fused) -> FusionEntry:
    return FusionEntry(
        name=fusion.name,
        fingerprint=fusion.fingerprint,
        space=fused.space,
        dim=fused.vectors.shape[1],
    )


def shared_members(snapshot: Snapshot, space: str) -> dict[Modality, Members]:
    """The live segments of each modality that lives in ``space``, with the items they serve."""
    members = {}
    for modality in MODALITIES:
        if not snapshot.manifest.paths(f"segments/{modality}/"):
            continue
        where, item_ids, segment_ids, vectors = snapshot.served(modality)
        if where == space and len(segment_ids):
            members[modality] = Members(item_ids, segment_ids, vectors)
    return members


def fused_table(fused: Fused) -> pa.Table:
    """``schemas.fused_schema``: row ``i`` is item ``i``."""
    masks = [pa.array(fused.has[:, column]) for column in range(len(MODALITIES))]
    weights = [pa.array(fused.weights[:, column]) for column in range(len(MODALITIES))]
    columns = [
        pa.array(fused.item_ids),
        pa.array(fused.inputs),
        tables.vector_column(fused.vectors),
    ]
    return pa.Table.from_arrays(
        [*columns, *masks, *weights], schema=schemas.fused_schema(fused.vectors.shape[1])
    )
