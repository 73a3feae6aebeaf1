"""Publish a candidate: the pointer moves once everything it names is on disk."""

from __future__ import annotations

import shutil

from prefect import task

from storage import snapshot
from storage.manifest import Manifest
from tasks.policies import POLICY
from tasks.workplace import Workplace


@task(name="publish", **POLICY)
def publish_snapshot(manifest: Manifest, work: Workplace) -> Manifest:
    """Make the candidate the published snapshot; returns its manifest, with its number."""
    snapshot.write_candidate(work.lake, manifest)
    published = snapshot.publish(work.lake, manifest)
    shutil.rmtree(work.lake.candidate(manifest.run))
    return published
