"""Maintain a lake: rewrite parts that are small or mostly dead, remove what nothing needs."""

from __future__ import annotations

import shutil
from datetime import datetime

from prefect import task

from storage import publication
from storage.layout import Layout
from storage.maintenance import compaction, garbage
from storage.maintenance.compaction import Compaction, Step
from storage.maintenance.garbage import Collected, Retention, Survey
from storage.maintenance.packing import Aims
from storage.manifest import FileEntry, Manifest
from storage.places.place import is_local
from storage.snapshot import Snapshot
from tasks.discretion import discreet
from tasks.indexing import rebuilt
from tasks.policies import POLICY
from tasks.publish import propose, publish
from tasks.workplace import Workplace


@task(name="plan-compaction", **POLICY)
@discreet
def plan_compaction(lake: Layout, aims: Aims) -> Compaction:
    """Tell which parts of the published snapshot are to be rewritten."""
    return compaction.plan(lake, aims)


def no_room_for(found: Compaction) -> str:
    """Why the lake's disk cannot hold the new parts beside the old ones; "" where it can.

    A store has no bound that could be asked for.
    """
    root = found.layout.root
    if not is_local(root):
        return ""
    free = shutil.disk_usage(root).free
    if found.bytes <= free:
        return ""
    return f"it needs about {found.bytes / 1e6:,.0f} MB, and {free / 1e6:,.0f} MB are free"


@task(name="compact", **POLICY)
@discreet
def compact_parts(found: Compaction, step: Step) -> list[FileEntry]:
    """Write one new part of cells, and that of the shared space; those that are there are kept."""
    return found.write(step)


@task(name="propose-compaction", **POLICY)
@discreet
def propose_compaction(found: Compaction, written: list[FileEntry], run: str) -> Manifest:
    """Give the snapshot of the new parts its number, once, and write it as a candidate.

    Indexes that hold too much that went are built afresh, which are kept where they are built.
    """
    manifest = found.manifest(written, run)
    if found.indexes:
        work = Workplace.of(Snapshot.open(found.layout))
        manifest = rebuilt(manifest, found.indexes, work)
    return propose(manifest, found.layout)


@task(name="publish-compaction", **POLICY)
@discreet
def publish_compaction(manifest: Manifest, lake: Layout) -> Manifest:
    """Let the new parts serve in place of the old ones, or find that an earlier try did."""
    return publish(manifest, lake)


def upcoming(found: Compaction, run: str) -> Manifest:
    """The snapshot that compaction would publish, to be looked at and never written."""
    manifest = found.manifest(found.expected(), run)
    return manifest.model_copy(update={"number": publication.next_number(found.layout)})


@task(name="survey", **POLICY)
@discreet
def survey_lake(
    lake: Layout, retention: Retention, now: datetime, ahead: Manifest | None = None
) -> Survey:
    """Tell which snapshots and files stay, and which go; also once ``ahead`` is published."""
    return garbage.survey(lake, retention, now, ahead)


@task(name="collect-garbage", **POLICY)
@discreet
def collect_garbage(lake: Layout, found: Survey) -> Collected:
    """Remove what the survey says goes; a retry goes on where the last try ended."""
    return garbage.collect(lake, found)
