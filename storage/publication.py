"""Publication: a candidate is written, and becomes a snapshot by moving one pointer."""

from __future__ import annotations

import shutil
from pathlib import Path

from storage.atomic import write_bytes
from storage.errors import CandidateOutdatedError, SnapshotExistsError
from storage.layout import Layout
from storage.manifest import Manifest
from storage.snapshot import Snapshot, current
from storage.views import views_sql


def publish(layout: Layout, manifest: Manifest) -> Manifest:
    """Publish a candidate under its number and return its manifest; hold the writer's lock.

    A candidate without a number gets the next. ``CURRENT`` moves last, so a crash before leaves
    the old snapshot, and publishing a numbered candidate again ends what was begun, or finds it
    done. Raises CandidateOutdatedError when ``CURRENT`` is not the candidate's parent any more,
    SnapshotExistsError when another snapshot has its number, and CorruptLakeError when a file of
    the candidate is not there.
    """
    number = manifest.number or next_number(layout)
    numbered = manifest.model_copy(update={"number": number})
    now, path = current(layout), layout.snapshot(number) / "manifest.json"
    begun = path.exists() and path.read_bytes() == numbered.to_json()
    if begun and now == number:
        return numbered
    if now != manifest.parent:
        raise CandidateOutdatedError(layout.root, manifest.parent, now)
    if path.exists() and not begun:
        raise SnapshotExistsError(path.parent)
    Snapshot.of(layout, manifest)
    write_bytes(path.with_name("views.sql"), views_sql(numbered).encode())
    write_bytes(path, numbered.to_json())
    write_bytes(layout.current, f"{number}\n".encode())
    return numbered


def roll_back(layout: Layout, number: int) -> Manifest:
    """Point ``CURRENT`` at a kept snapshot whose files are whole; hold the writer's lock."""
    manifest = Snapshot.open(layout, number).manifest
    write_bytes(layout.current, f"{number}\n".encode())
    return manifest


def write_candidate(layout: Layout, manifest: Manifest) -> Path:
    """Write ``candidates/<run>/manifest.json`` and return its path."""
    path = layout.candidate(manifest.run) / "manifest.json"
    write_bytes(path, manifest.to_json())
    return path


def drop_candidate(layout: Layout, run: str) -> None:
    """Remove what ``write_candidate`` wrote for ``run``; nothing there is fine."""
    folder = layout.candidate(run)
    if folder.exists():
        shutil.rmtree(folder)


def next_number(layout: Layout) -> int:
    """Above every snapshot there ever was, rolled back or left by a crash."""
    folders = layout.snapshots.iterdir() if layout.snapshots.is_dir() else ()
    taken = [int(folder.name) for folder in folders if folder.name.isdecimal()]
    return max(taken, default=0) + 1
