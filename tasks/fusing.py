"""The fused vectors of a candidate: what is fused already keeps its row. Loads no Prefect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mmcore.fusion.base import fusion_of
from mmcore.fusion.pooling import Members, fuse_items, item_inputs
from mmcore.specs import FusionSpec
from mmcore.types import Fused, Ids
from storage import schemas, tables
from storage.manifest import FusionEntry, Manifest
from storage.schemas import MODALITIES, Dtype, Modality
from storage.snapshot import Snapshot
from tasks.manifests import with_files
from tasks.workplace import Workplace


@dataclass(frozen=True, slots=True)
class Fusing:
    """The candidate with its fused vectors, and how many of them this run made."""

    manifest: Manifest
    fused: int = 0
    items: int = 0

    def __str__(self) -> str:
        return f"fused {self.fused} of {self.items}" if self.items else "nothing to fuse"


def fused(
    manifest: Manifest, spec: FusionSpec, work: Workplace, published: Snapshot | None
) -> Fusing:
    """Write the fused vectors of every item that has something in the shared space.

    An item that the published snapshot has fused alike, from the same segments, keeps its row.
    """
    if manifest.shared is None:
        return Fusing(manifest)
    fusion = fusion_of(spec)
    told = FusionEntry(
        name=fusion.name,
        fingerprint=fusion.fingerprint,
        space=manifest.searched(manifest.shared),
        dim=manifest.dim_of(manifest.shared),
    )
    snapshot = Snapshot.of(work.lake, manifest)
    members = shared_members(snapshot, told.space)
    items, inputs = item_inputs(members)
    known = known_rows(published, manifest, told)
    kept = known.filter(pa.array(_still(known, items, inputs)))
    stale = items[~np.isin(items, kept["item_id"].to_numpy())]
    fresh = fuse_items(told.space, fusion, with_vectors(snapshot, members, stale))
    if fresh is None and not kept.num_rows:
        return Fusing(manifest)
    rows = _joined(kept, fresh, manifest.dtype)
    folder = work.lake.fused(told.space, told.fingerprint, manifest.dtype)
    paths = tables.write_rows(folder, rows, compression=work.storage.compression)
    manifest = manifest.model_copy(update={"fusion": told})
    made = rows.num_rows - kept.num_rows
    return Fusing(with_files(manifest, paths, work, published), made, rows.num_rows)


def shared_members(snapshot: Snapshot, space: str) -> dict[Modality, Members]:
    """Which segments of the modalities that live in ``space`` serve which items; no vectors."""
    members = {}
    for modality in MODALITIES:
        if snapshot.space(modality) == space:
            item_ids, segment_ids = snapshot.pairs(modality)
            if len(item_ids):
                nothing = np.empty((len(item_ids), 0), dtype=np.float32)
                members[modality] = Members(item_ids, segment_ids, nothing)
    return members


def with_vectors(
    snapshot: Snapshot, members: Mapping[Modality, Members], items: Ids
) -> dict[Modality, Members]:
    """The members of ``items``, and their vectors; of other items nothing is read."""
    found = {}
    for modality, of in members.items():
        mine = np.isin(of.item_ids, items)
        if mine.any():
            segments = of.segment_ids[mine]
            _, ids, vectors = snapshot.vectors(modality, np.unique(segments))
            place = np.searchsorted(ids, segments)
            found[modality] = Members(of.item_ids[mine], segments, vectors[place])
    return found


def known_rows(published: Snapshot | None, manifest: Manifest, told: FusionEntry) -> pa.Table:
    """What the published snapshot fused of vectors that are still the same, by the same fusion."""
    none: pa.Table = schemas.fused_schema(told.dim, manifest.dtype).empty_table()
    if published is None or published.manifest.fusion != told:
        return none
    before, layout = published.manifest, published.layout
    if before.dtype != manifest.dtype or _living(before, told) != _living(manifest, told):
        return none
    folder = layout.relative(layout.fused(told.space, told.fingerprint, before.dtype))
    paths = [layout.root / name for name in before.paths(folder)]
    return tables.read_parts(paths).cast(none.schema) if paths else none


def _living(manifest: Manifest, told: FusionEntry) -> tuple[object, ...]:
    """What decides the vectors of the fusion's space: the encoders in it, and the projection."""
    mine = [e for e in manifest.encoders if manifest.searched(e) == told.space]
    return (mine, manifest.projection)


def _still(known: pa.Table, items: Ids, inputs: Ids) -> NDArray[np.bool_]:
    """Which of the known rows are of one of the sorted ``items``, and of the same segments."""
    ids = known["item_id"].to_numpy()
    if not len(items):
        return np.zeros(len(ids), dtype=np.bool_)
    place = np.minimum(np.searchsorted(items, ids), len(items) - 1)
    same: NDArray[np.bool_] = inputs[place] == known["inputs"].to_numpy()
    same &= items[place] == ids
    return same


def _joined(kept: pa.Table, fresh: Fused | None, dtype: Dtype) -> pa.Table:
    """Both in the order of their items."""
    rows = kept if fresh is None else pa.concat_tables([kept, fused_table(fresh, dtype)])
    return rows.take(pa.array(np.argsort(rows["item_id"].to_numpy())))


def fused_table(fused: Fused, dtype: Dtype = "float32") -> pa.Table:
    """``schemas.fused_schema``: row ``i`` is item ``i``."""
    masks = [pa.array(fused.has[:, column]) for column in range(len(MODALITIES))]
    weights = [pa.array(fused.weights[:, column]) for column in range(len(MODALITIES))]
    columns = [
        pa.array(fused.item_ids),
        pa.array(fused.inputs),
        tables.vector_column(fused.vectors, dtype),
    ]
    return pa.Table.from_arrays(
        [*columns, *masks, *weights], schema=schemas.fused_schema(fused.vectors.shape[1], dtype)
    )
