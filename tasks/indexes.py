"""Build the indexes: one per modality in the space it is searched in, one over fused vectors."""

from __future__ import annotations

from functools import partial

from prefect import task

from storage.indexes.choosing.filling import Whole
from storage.manifest import Manifest
from storage.snapshot import Snapshot
from tasks.discretion import discreet
from tasks.index_shards import Sharding
from tasks.indexing import indexed
from tasks.policies import POLICY
from tasks.workplace import Workplace


@task(name="build-indexes", **POLICY)
@discreet
def build_indexes(
    manifest: Manifest,
    work: Workplace,
    published: Snapshot | None,
    sharding: Sharding | None = None,
) -> Manifest:
    """Index each modality that has live vectors, and the fused vectors; a built index is kept.

    Large indexes are filled as ``sharding`` says; None: at once, in this process.
    """
    filling = Whole if sharding is None else partial(sharding.filling, work)
    return indexed(manifest, work, published, filling=filling)
