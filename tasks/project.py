"""Project cells into the shared space: one matrix product a part, no file is decoded."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
from prefect import task

from mmcore.encoders.projections import Projection
from mmcore.types import EncoderKey
from storage import schemas, tables
from storage.manifest import Manifest
from storage.snapshot import Snapshot
from tasks.manifests import with_files
from tasks.policies import POLICY
from tasks.train import load_projection
from tasks.workplace import Workplace


@task(name="project", **POLICY)
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
        folder = work.lake.embeddings(key.modality, key.name, key.fingerprint)
        target = work.lake.space(projection.space, key.modality)
        for name in manifest.paths(work.lake.relative(folder) + "/"):
            part = work.lake.root / name
            written.append(project_part(part, target / part.name, projection, key))
    return with_files(manifest, written, work, published)


def project_part(part: Path, target: Path, projection: Projection, key: EncoderKey) -> Path:
    """Write ``target``: the projected vectors of one part of cells, row by row."""
    if target.exists():
        return target
    table = tables.read_parts([part], ["segment_id", "language", "vector"])
    if table.num_rows:
        vectors = projection.project(key, tables.vectors_of(table), table["language"].to_pylist())
    else:
        vectors = tables.vectors_of(table).reshape(0, projection.dim)
    rows = pa.Table.from_arrays(
        [table["segment_id"], tables.vector_column(vectors)],
        schema=schemas.projected_schema(projection.dim),
    )
    return tables.write_part(target, rows, {"mmindex.space": projection.space})
