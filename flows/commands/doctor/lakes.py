"""The health of a lake: read from its manifests and its few small cards, never row by row."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psutil

from flows.commands.doctor.places import disk
from mmcore.inspection.machine.checked import Checked, Checks
from storage import looked
from storage.candidates import blocked, unjudged
from storage.erasure import orders
from storage.errors import CorruptLakeError, LakeVersionError, NoLakeError
from storage.layout import Layout
from storage.locks import noted
from storage.manifest import Manifest, Partial, read_manifest
from storage.places.place import is_local, modified, place_of, sizes
from storage.published import manifest_of, published
from storage.schemas import MmindexError

LONG_DAYS: Final = 1.0
"""So long no run of a healthy lake holds it, or it is a very large first one."""
STALE_DAYS: Final = 30.0
QUARANTINED: Final = 0.1
ROOM_DAYS: Final = 30.0
TIMES: Final = 4.0
"""Of all that kept snapshots name, by what the published one does: `maintain` may give it back."""
_SHOWN: Final = 3
_DAY: Final = timedelta(days=1)


def layout_of(lake: str) -> Layout:
    """The lake's paths; raises what ``place_of`` does."""
    return Layout(place_of(lake))


def current(layout: Layout) -> Checks:
    """What is published, and whether it can be read."""
    facts: dict[str, Any] = {"lake": str(layout.root)}
    if is_local(layout.root) and not layout.root.exists():
        yield Checked("lake", "fail", "lake-missing", facts)
        return
    if is_local(layout.root) and not layout.root.is_dir():
        yield Checked("lake", "fail", "lake-file", facts)
        return
    try:
        manifest = manifest_of(layout)
    except NoLakeError:
        yield Checked("lake", "fail", "lake-none", facts)
        return
    except LakeVersionError as error:
        yield Checked("lake", "fail", "lake-version", {**facts, "error": error.why})
        return
    except CorruptLakeError as error:
        said = "lake-damaged" if any(_manifests(layout)) else "lake-damaged-all"
        yield Checked("lake", "fail", said, {**facts, "error": f"{error.path}: {error.why}"})
        return
    told: dict[str, Any] = {"snapshot": manifest.number, "items": manifest.counts.get("items", 0)}
    told |= {"preset": manifest.preset, "size": sum(file.bytes for file in manifest.files)}
    yield Checked("lake", "ok", "lake", facts | told)
    if manifest.partial is not None:
        yield _part(layout, manifest.partial)


def _part(layout: Layout, part: Partial) -> Checked:
    """That it is a part of a first run: of one that goes on, or that has to be run again."""
    facts = {"lake": str(layout.root), "files": part.files, "of": part.of}
    if _may_hold(noted(layout)):
        return Checked("lake-part", "ok", "lake-part", facts)
    return Checked("lake-part", "warn", "lake-part-left", facts)


def lake_disk(layout: Layout) -> Checks:
    """The disk that a local lake lies on."""
    if is_local(layout.root):
        yield disk("lake", layout.root)


def files(layout: Layout) -> Checks:
    """Every file of the published snapshot is there and has its size; contents are not read."""
    manifest = _published(layout)
    if manifest is None:
        return
    size_of = sizes(layout.root, (file.path for file in manifest.files))
    wrong = [file.path for file in manifest.files if size_of(file.path) != file.bytes]
    facts: dict[str, Any] = {"count": len(manifest.files), "lake": str(layout.root)}
    if wrong:
        names = ", ".join(wrong[:_SHOWN]) + (" …" if len(wrong) > _SHOWN else "")
        facts |= {"wrong": len(wrong), "names": names}
        yield Checked("lake-files", "fail", "lake-files-wrong", facts)
    else:
        yield Checked("lake-files", "ok", "lake-files", facts)


def lock(layout: Layout) -> Checks:
    """Who writes to the lake now, and since when; a lock is looked at, never tried."""
    note = noted(layout)
    facts = {name: str(note.get(name, "?")) for name in ("pid", "host", "since")}
    if not _may_hold(note):
        yield Checked("lake-lock", "ok", "lake-lock-free")
        return
    days = _days_since(_published_by(layout, _time(note.get("since"))))
    facts["lake"] = str(layout.root)
    if days is not None and days > LONG_DAYS:
        yield Checked("lake-lock", "warn", "lake-lock-long", {**facts, "days": days})
    else:
        yield Checked("lake-lock", "ok", "lake-lock-held", facts)


def _published_by(layout: Layout, since: datetime | None) -> datetime | None:
    """When who holds the lake since then last published: a very large first run does, in parts."""
    manifest = _published(layout)
    if since is None or manifest is None:
        return since
    with suppress(OSError):
        when = modified(layout.snapshot(manifest.number or 0) / "manifest.json")
        return max(since, datetime.fromtimestamp(when, UTC))
    return since


def _may_hold(note: dict[str, Any]) -> bool:
    """Whether who wrote the note may live: a lease runs out, a process of this machine is seen."""
    if not note:
        return False
    until = _time(note.get("expires_at"))
    if until is not None:
        return until > datetime.now(UTC)
    if note.get("host") != socket.gethostname():
        return True
    with suppress(psutil.Error, TypeError, ValueError):
        began = datetime.fromtimestamp(psutil.Process(int(note["pid"])).create_time(), UTC)
        since = _time(note.get("since"))
        return since is None or began <= since + timedelta(seconds=2)  # else another of its number
    return False


def age(layout: Layout) -> Checks:
    """When the sources were last looked at by a run that ended well."""
    if _published(layout) is None:
        return
    last = looked.read(layout)
    if last is None and _may_hold(noted(layout)):
        return  # a first run is under way, which has published parts
    if last is None:
        yield Checked("lake-age", "warn", "lake-age-never")
        return
    days = _days_since(last.when) or 0.0
    facts = {"days": days, "when": _minute(last.when)}
    if days > STALE_DAYS:
        yield Checked("lake-age", "warn", "lake-age-old", facts)
    else:
        yield Checked("lake-age", "ok", "lake-age", facts)


def quarantine(layout: Layout) -> Checks:
    """How many files could not be used, of all."""
    manifest = _published(layout)
    if manifest is None:
        return
    bad, good = _rows(manifest, "quarantine"), _rows(manifest, "files")
    share = bad / (bad + good) if bad else 0.0
    facts = {"count": bad, "share": share, "lake": str(layout.root)}
    if share > QUARANTINED:
        yield Checked("lake-quarantine", "warn", "lake-quarantine-many", facts)
    else:
        yield Checked("lake-quarantine", "ok", "lake-quarantine", facts)


def _rows(manifest: Manifest, table: str) -> int:
    paths = set(manifest.paths(table))
    return sum(file.rows for file in manifest.files if file.path in paths)


def candidates(layout: Layout) -> Checks:
    """What was refused since the published snapshot, and what killed runs left."""
    manifest = _published(layout)
    since = manifest.created_at if manifest else None
    refused = [b for b in blocked(layout) if not (since and b.when and b.when < since)]
    facts: dict[str, Any] = {"lake": str(layout.root)}
    if refused:
        last = max(refused, key=lambda one: one.when or datetime.min.replace(tzinfo=UTC))
        facts |= {"count": len(refused), "run": last.run, "reason": last.reason}
        yield Checked("lake-blocked", "warn", "lake-blocked-some", facts)
    else:
        yield Checked("lake-blocked", "ok", "lake-blocked", facts)
    left = unjudged(layout)
    if left and not _may_hold(noted(layout)):
        yield Checked("lake-blocked", "ok", "lake-left", {"count": len(left)})


def erasure(layout: Layout) -> Checks:
    """Whether an erasure was begun and not proved."""
    if orders.interrupted(layout):
        yield Checked("lake-erasure", "fail", "lake-erasure-pending", {"lake": str(layout.root)})
    else:
        yield Checked("lake-erasure", "ok", "lake-erasure")


def growth(layout: Layout) -> Checks:
    """How much kept snapshots take, and when the disk is full at the pace of late."""
    kept = list(_manifests(layout))
    if not kept:
        return
    whole = {file.path: file.bytes for manifest in kept for file in manifest.files}
    now = sum(file.bytes for file in kept[-1].files)
    facts: dict[str, Any] = {"lake": str(layout.root), "kept": sum(whole.values())}
    facts |= {"snapshots": len(kept), "now": now}
    days = _days_left(layout, kept)
    if days is not None and days < ROOM_DAYS:
        yield Checked("lake-growth", "warn", "lake-growth-fast", {**facts, "days": days})
    elif now and facts["kept"] > TIMES * now:
        yield Checked("lake-growth", "warn", "lake-growth-old", facts)
    else:
        yield Checked("lake-growth", "ok", "lake-growth", facts)


def _manifests(layout: Layout) -> Iterator[Manifest]:
    for number in published(layout):
        with suppress(CorruptLakeError, LakeVersionError):  # told by `snapshots list`
            yield read_manifest(layout.snapshot(number) / "manifest.json")


def _days_left(layout: Layout, kept: list[Manifest]) -> float | None:
    """Days until the disk is full if the kept snapshots' files go on growing as they did.

    None where a lake does not grow, lies in a store, or has too short a past to tell.
    """
    past = (kept[-1].created_at - kept[0].created_at) / _DAY
    if past < 1 or not is_local(layout.root):
        return None
    first = {file.path for file in kept[0].files}
    new = {f.path: f.bytes for one in kept[1:] for f in one.files if f.path not in first}
    grown = sum(new.values())
    if not grown:
        return None
    free = psutil.disk_usage(str(layout.root)).free
    return float(free / (grown / past))


def _published(layout: Layout) -> Manifest | None:
    """The published manifest; None where there is none, which ``current`` says."""
    try:
        return manifest_of(layout)
    except (MmindexError, OSError):
        return None


def _time(text: object) -> datetime | None:
    try:
        when = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return when if when.tzinfo else when.replace(tzinfo=UTC)


def _days_since(when: datetime | None) -> float | None:
    return None if when is None else max(0.0, (datetime.now(UTC) - when) / _DAY)


def _minute(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
