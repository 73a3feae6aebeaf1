"""Publication: a candidate is written, and becomes a snapshot by moving one pointer."""

from __future__ import annotations

import logging
import re
from itertools import chain
from pathlib import Path
from typing import Final

from storage import history
from storage.candidates import (
    blocked,
    drop_candidate,
    remove_folder,
    unjudged,
)
from storage.errors import (
    CandidateOutdatedError,
    CorruptLakeError,
    LakeLockedError,
    SnapshotExistsError,
)
from storage.layout import Layout
from storage.leases import still_held
from storage.manifest import Manifest, read_manifest
from storage.places.atomic import write_bytes
from storage.places.conditional import Seen, create, look, swap
from storage.places.place import children
from storage.published import current
from storage.snapshot import Snapshot
from storage.views import views_sql

log = logging.getLogger(__name__)

_NUMBER: Final = re.compile(r"[0-9]{1,9}")
"""Of a snapshot; a folder of somebody else's that is called by more digits gives none."""


def publish(layout: Layout, manifest: Manifest) -> Manifest:
    """Publish a candidate under its number and return its manifest; hold the writer's lock.

    A candidate without a number gets the next. ``CURRENT`` moves last, so a crash before leaves
    the old snapshot, and publishing a numbered candidate again ends what was begun, or finds it
    done. Raises CandidateOutdatedError when ``CURRENT`` is not the candidate's parent any more,
    SnapshotExistsError when another snapshot has its number, and CorruptLakeError when a file of
    the candidate is not there.
    """
    still_held(layout)
    number = manifest.number or next_number(layout)
    numbered = manifest.model_copy(update={"number": number})
    seen, path = look(layout.current), layout.snapshot(number) / "manifest.json"
    now, written = current(layout), look(path).data
    begun = written == numbered.to_json()
    if begun and now == number:
        return numbered
    if now != manifest.parent:
        raise CandidateOutdatedError(layout.root, manifest.parent, now)
    if written is not None and not begun:
        raise SnapshotExistsError(path.parent)
    Snapshot.of(layout, manifest)
    _create(path.with_name("views.sql"), views_sql(numbered).encode())
    _create(path, numbered.to_json())
    if not _serve(layout, number, seen):
        raise CandidateOutdatedError(layout.root, manifest.parent, current(layout))
    return numbered


def _create(path: Path, data: bytes) -> None:
    if not create(path, data):
        raise SnapshotExistsError(path.parent)


def _serve(layout: Layout, number: int, seen: Seen) -> bool:
    """Move ``CURRENT``; False where it is not as it was ``seen``: another run published."""
    return swap(layout.current, f"{number}\n".encode(), seen)


def roll_back(
    layout: Layout,
    number: int,
    *,
    serving: int | None = None,
    entry: history.Entry | None = None,
) -> Manifest:
    """Point ``CURRENT`` at a kept snapshot whose files are whole; hold the writer's lock.

    Views that are not as the manifest gives them are written anew. With ``serving``, only where
    that is what serves: else CandidateOutdatedError. ``entry`` goes into the history just before:
    a run that is killed in between goes back once more, and says so twice.
    """
    still_held(layout)
    seen = look(layout.current)
    if serving is not None and (now := current(layout)) != serving:
        raise CandidateOutdatedError(layout.root, serving, now)
    manifest = Snapshot.open(layout, number).manifest
    views, text = layout.snapshot(number) / "views.sql", views_sql(manifest).encode()
    if look(views).data != text:  # damaged, or written by another version
        write_bytes(views, text)
    if entry is not None:
        history.append(layout, entry)
    if not _serve(layout, number, seen):
        raise LakeLockedError(layout.root, "a run that has just published")
    return manifest


def publish_blocked(layout: Layout, manifest: Manifest) -> Manifest:
    """Publish a candidate that was blocked, as ``manifest`` has it now; hold the writer's lock.

    ``manifest`` says who wants it, which the history gets, too. CandidateOutdatedError where its
    parent does not serve any more, CorruptLakeError where a file of it is gone. It is marked as
    blocked until it serves: whatever happens in the middle, either it still is, or ``finish`` ends
    it.
    """
    still_held(layout)
    if (now := current(layout)) != manifest.parent:
        raise CandidateOutdatedError(layout.root, manifest.parent, now)
    Snapshot.of(layout, manifest)
    published = publish(layout, manifest)
    history.note_override(layout, published)
    drop_candidate(layout, manifest.run)
    return published


def finish(layout: Layout) -> int | None:
    """End or undo what a killed writer left; returns the number of the snapshot it let serve.

    The next writer calls it once it holds the lock. A snapshot that was written, and whose parent
    serves, gets ``CURRENT``; one that can never be published any more, since another serves or
    one of its files is gone, is removed: nothing was ever served of it. So is every candidate
    that was not judged. One that was blocked stays; but where somebody was publishing it, that is
    ended, too. A snapshot that was rolled back has no candidate, and stays what it is.
    """
    ended = _end_overrides(layout)
    for run in unjudged(layout):
        manifest = _readable(layout.candidate(run) / "manifest.json")
        if manifest is not None and manifest.number is not None and _may_end(layout):
            ended = _end(layout, manifest, manifest.number) or ended
        drop_candidate(layout, run)
    return ended


def _end_overrides(layout: Layout) -> int | None:
    """End what `publish_blocked` began: by the snapshot's manifest, which says who wanted it."""
    ended = None
    for one in blocked(layout):
        written = None
        if one.number is not None:
            written = _readable(layout.snapshot(one.number) / "manifest.json")
        if (
            written is None
            or written.run != one.run
            or not _wanted(written)
            or not _may_end(layout)
        ):
            continue
        number = one.number or 0
        ended = _end(layout, written, number) or ended
        if current(layout) == number:
            history.note_override(layout, written)
            drop_candidate(layout, one.run)
    return ended


def _wanted(manifest: Manifest) -> bool:
    return manifest.evaluation is not None and manifest.evaluation.override is not None


def _readable(path: Path) -> Manifest | None:
    try:
        return read_manifest(path)
    except CorruptLakeError:  # also where there is none: a crash while it was removed
        return None


def _may_end(layout: Layout) -> bool:
    """Whether ``CURRENT`` tells what serves; where it is damaged, nobody knows what was served."""
    try:
        current(layout)
    except CorruptLakeError as error:
        log.warning("%s", error)
        return False
    return True


def _end(layout: Layout, manifest: Manifest, number: int) -> int | None:
    """End the publication of a candidate that is still there, or remove what there is of it."""
    seen, folder = look(layout.current), layout.snapshot(number)
    now = current(layout)
    if now == number:  # only the candidate was left
        return None
    path = folder / "manifest.json"
    written = _readable(path)
    if written is not None and written.run != manifest.run:  # not this candidate's
        return None
    if written is not None and written.parent == now and _is_whole(layout, written):
        if not _serve(layout, number, seen):
            raise LakeLockedError(layout.root, "a run that has just published")
        log.warning("the publication of snapshot %d was interrupted: it serves now", number)
        return number
    if written is not None:
        log.warning("snapshot %d was never served and can no longer be: it is removed", number)
    remove_folder(folder)
    return None


def _is_whole(layout: Layout, manifest: Manifest) -> bool:
    try:
        Snapshot.of(layout, manifest)
    except CorruptLakeError as error:
        log.warning("snapshot %d cannot serve: %s", manifest.number, error)
        return False
    return True


def next_number(layout: Layout) -> int:
    """Above every snapshot and candidate there ever was: rolled back, left by a crash, removed."""
    told = chain(children(layout.snapshots), children(layout.report("x").parent))
    taken = [int(name) for name in told if _NUMBER.fullmatch(name)]
    taken += [one.number for one in blocked(layout) if one.number is not None]
    taken += history.numbers(layout)
    return max(taken, default=0) + 1
