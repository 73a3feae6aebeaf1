"""Build the indexes: one per modality in the space it is searched in, one over fused vectors."""

from __future__ import annotations

from prefect import task

from storage.manifest import Manifest
from storage.snapshot import Snapshot
from tasks.discretion import discreet
from tasks.indexing import indexed
from tasks.policies import POLICY
from tasks.workplace import Workplace


@task(name="build-indexes", **POLICY)
@discreet
def build_indexes(manifest: Manifest, work: Workplace, published: Snapshot | None) -> Manifest:
    """Index each modality that has live vectors, and the fused vectors; a built index is kept."""
    return indexed(manifest, work, published)
