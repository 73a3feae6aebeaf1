"""The fused vectors of a candidate: what is fused already keeps its row. Loads no Prefect."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mmcore.fusion.base import AUTO, PLAIN, fusion_of
from mmcore.fusion.learned import LEARNED
from mmcore.fusion.pooling import Members, fuse_items, item_inputs
from mmcore.search.opened.models import FUSION, fusion_files, spec_of
from mmcore.specs import FusionSpec
from mmcore.types import Fused, Ids
from storage import schemas, tables
from storage.manifest import FusionEntry, Manifest
from storage.schemas import MODALITIES, Dtype, Modality
from storage.snapshot import Snapshot
from tasks.manifests import with_files
from tasks.workplace import Workplace

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fusing:
    """The candidate with its fused vectors, and how many of them this run made."""

    manifest: Manifest
    fused: int = 0
    items: int = 0

    def __str__(self) -> str:
        return f"fused {self.fused} of {self.items}" if self.items else "nothing to fuse"


@dataclass(frozen=True, slots=True)
class Choice:
    """A fusion by its name, and the trained model behind it, if it has one."""

    spec: FusionSpec
    version: str | None = None
    files: Mapping[str, bytes] | None = None  # of that version, by name


def fused(
    manifest: Manifest,
    spec: FusionSpec,
    work: Workplace,
    published: Snapshot | None,
    choice: Choice | None = None,
) -> Fusing:
    """Write the fused vectors of every item that has something in the shared space.

    ``choice``, where given, decides the fusion in place of ``spec``: that is how one is promoted.
    An item that the published snapshot has fused by the very same fusion, from the same segments,
    keeps its row. The manifest names the model's files too.
    """
    space = manifest.fused_of
    if manifest.shared is None:
        return Fusing(_without_model(manifest, work))
    choice = chosen(spec, manifest, work, published) if choice is None else choice
    model = _model_files(choice, manifest, work, published)
    manifest = _without_model(manifest, work)
    fusion = fusion_of(choice.spec, choice.files)
    told = FusionEntry(
        name=fusion.name,
        fingerprint=fusion.fingerprint,
        space=fusion.space_of(space),
        dim=fusion.dim_of(_dim(manifest)),
        version=choice.version,
        weights=choice.spec.weights,
    )
    snapshot = Snapshot.of(work.lake, manifest)
    members = shared_members(snapshot, space)
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
    named = with_files(manifest, [*paths, *model], work, published)
    return Fusing(named, made, rows.num_rows)


def chosen(
    spec: FusionSpec, manifest: Manifest, work: Workplace, published: Snapshot | None
) -> Choice:
    """The fusion that ``spec`` means in a lake where ``published`` serves.

    ``auto`` is the one that serves, where that was promoted, and else the mean. A trained one
    fuses the space that it was trained in; where items are fused in another one by now, it gives
    way to the mean, and that is said. ConfigError for a trained one that does not serve.
    """
    promoted = _promoted(published)
    named = spec.weights or spec.name not in (AUTO, promoted.name if promoted else "")
    if published is None or promoted is None or named:
        check_trained(spec, published)
        return Choice(spec if spec.name != AUTO else FusionSpec(name=PLAIN, weights=spec.weights))
    if promoted.version is None:
        return Choice(spec if spec.name != AUTO else spec_of(promoted))
    if (promoted.space, promoted.dim) != (manifest.fused_of, _dim(manifest)):
        log.warning(
            "the fusion %s was trained in the space %s, and items are fused in %s now: by their"
            " mean, until one is trained for it (mmindex train)",
            f"{promoted.name} {promoted.version}",
            promoted.space,
            manifest.fused_of,
        )
        return Choice(FusionSpec(name=PLAIN))
    return serving(published)


def serving(snapshot: Snapshot) -> Choice:
    """The very fusion that made the snapshot's fused vectors; ``auto`` where there are none."""
    entry = snapshot.manifest.fusion
    if entry is None:
        return Choice(FusionSpec())
    return Choice(spec_of(entry), entry.version, fusion_files(snapshot))


def check_trained(spec: FusionSpec, published: Snapshot | None) -> None:
    """Raise ConfigError where ``spec`` names a trained fusion, and no model of it serves."""
    promoted = _promoted(published)
    if spec.name in LEARNED and (promoted is None or promoted.name != spec.name):
        fusion_of(spec)


def _promoted(published: Snapshot | None) -> FusionEntry | None:
    """The fusion that serves, unless the run that made it was told its name."""
    if published is None or published.manifest.fusion is None:
        return None
    entry, told = published.manifest.fusion, published.manifest.specs.get("fusion", {})
    return entry if entry.version is not None or told.get("name") == AUTO else None


def _dim(manifest: Manifest) -> int:
    return 0 if manifest.shared is None else manifest.dim_of(manifest.shared)


def _model_files(
    choice: Choice, manifest: Manifest, work: Workplace, published: Snapshot | None
) -> list[Path]:
    """The files of the trained fusion: as a manifest names them, where one does.

    Its folder may hold another record too, of before an erasure.
    """
    if choice.version is None:
        return []
    folder = work.lake.model(FUSION, choice.version)
    for known in (manifest, published.manifest if published else manifest):
        if paths := known.paths(work.lake.relative(folder)):
            return [work.lake.root / path for path in paths]
    return [folder / name for name in sorted(choice.files or ())]


def _without_model(manifest: Manifest, work: Workplace) -> Manifest:
    """The manifest without the files of the fusion before, which may not be the one to come."""
    before = f"{work.lake.relative(work.lake.models(FUSION))}/"
    others = [file for file in manifest.files if not file.path.startswith(before)]
    return manifest.model_copy(update={"files": others, "fusion": None})


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
    if before.dtype != manifest.dtype or _living(before) != _living(manifest):
        return none
    folder = layout.relative(layout.fused(told.space, told.fingerprint, before.dtype))
    paths = [layout.root / name for name in before.paths(folder)]
    return tables.read_parts(paths).cast(none.schema) if paths else none


def _living(manifest: Manifest) -> tuple[object, ...]:
    """What decides the vectors that are fused: the encoders of their space, and the projection."""
    mine = [e for e in manifest.encoders if manifest.searched(e) == manifest.fused_of]
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
