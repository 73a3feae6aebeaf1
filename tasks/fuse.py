"""Fuse: one vector per item out of what the item has."""

from __future__ import annotations

from prefect import task

from mmcore.specs import FusionSpec
from storage.manifest import Manifest
from storage.snapshot import Snapshot
from tasks.discretion import discreet
from tasks.fusing import Choice, Fusing, fused
from tasks.policies import POLICY
from tasks.workplace import Workplace


@task(name="fuse", **POLICY)
@discreet
def fuse(
    manifest: Manifest,
    spec: FusionSpec,
    work: Workplace,
    published: Snapshot | None,
    choice: Choice | None = None,
) -> Fusing:
    """Write the fused vectors of every item that has something in the shared space.

    ``choice`` is the fusion that is being promoted; without one ``spec`` decides.
    """
    return fused(manifest, spec, work, published, choice)
