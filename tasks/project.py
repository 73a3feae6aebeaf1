"""Project cells into the shared space: one matrix product a part, no file is decoded."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from prefect import task

from mmcore.encoders.projections import Projection
from mmcore.specs import StorageSpec
from mmcore.types import EncoderKey
from storage import schemas, tables
from storage.manifest import Manifest
from storage.snapshot import Snapshot
from tasks.discretion import discreet
from tasks.manifests import with_files
from tasks.policies import POLICY
from tasks.projections import load_projection
from tasks.workplace import Workplace


@task(name="project", **POLICY)
@discreet
def project_cells(
    manifest: Manifest, keys: tuple[EncoderKey, ...], work: Workplace, published: Snapshot | None
) -> Manifest:
    """Derive the shared space's part of every part of cells; a part that is there is kept."""
    projection = load_projection(manifest, work)
    if projection is None:
        return manifest
    written = []
    for key in keys:
        if not projection.joins(key):
            continue
        target = work.lake.space(projection.space, key.modality, work.storage.dtype)
        for name in manifest.paths(work.lake.relative(work.cells_of(key)) + "/"):
            part = work.lake.root / name
            written.append(project_part(part, target / part.name, projection, key, work.storage))
    return with_files(manifest, written, work, published)


def project_part(
    part: Path, target: Path, projection: Projection, key: EncoderKey, storage: StorageSpec
) -> Path:
    """Write ``target``: the projected vectors of one part of cells, row by row."""
    if target.exists():
        return target
    table = tables.read_parts([part], ["segment_id", "language", "vector"])
    if table.num_rows:
        vectors = projection.project(key, tables.vectors_of(table), table["language"].to_pylist())
    else:
        vectors = tables.vectors_of(table).reshape(0, projection.dim)
    rows = pa.Table.from_arrays(
        [table["segment_id"], tables.vector_column(vectors, storage.dtype)],
        schema=schemas.projected_schema(projection.dim, storage.dtype),
    )
    told = {"mmindex.space": projection.space}
    return tables.write_part(target, rows, told, compression=storage.compression)
