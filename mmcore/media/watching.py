"""Hear of changes below roots: by events of the file system, or by listing a root again.

Each root has a thread that tells what it heard; it judges nothing, and reads no file.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

import psutil
from watchfiles import watch

from mmcore.media.crawl import walk
from mmcore.media.listing import LAKE, Rules
from mmcore.media.roots import named_manifest
from mmcore.media.urls import is_remote
from mmcore.specs import CrawlSpec
from mmcore.types import Source
from storage.schemas import MmindexError

How = Literal["auto", "events", "polling"]

SHARED: Final = frozenset(
    (
        *(
            "nfs",
            "nfs3",
            "nfs4",
            "cifs",
            "smb",
            "smb2",
            "smb3",
            "smbfs",
            "afpfs",
            "webdav",
            "davfs",
        ),
        *("9p", "v9fs", "drvfs", "vboxsf", "vmhgfs", "prl_fs", "virtiofs", "ncpfs", "afs", "ceph"),
        *("lustre", "beegfs", "gpfs", "ocfs2", "gfs2", "glusterfs"),
    )
)
"""File systems that others change without this kernel hearing of it; ``fuse.…`` are further."""

LISTING_SHARE: Final = 4
"""A root is listed again no sooner than after so many times what the last listing took."""

_TURN_MS: Final = 1000
_ABSENT: Final = 2.0  # seconds until a root that is not there is looked for again


@dataclass(frozen=True, slots=True)
class Changed:
    """Something below a root has changed, or the root itself (``path`` is empty)."""

    root: str  # its alias
    path: str = ""
    ahead: float = 0.0  # seconds for which nothing can be heard of it: till the next listing


@dataclass(frozen=True, slots=True)
class Heard:
    """How a root is watched from now on, or ``absent``: it is not there."""

    root: str
    how: Literal["events", "polling", "absent"]
    why: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """A thread ended by an error that is a fault of ours."""

    error: Exception


News = Changed | Heard | Failed


@dataclass(frozen=True, slots=True)
class Watched:
    """A root that is watched: what of it counts, and who is told."""

    source: Source
    spec: CrawlSpec
    lake: Path
    tell: Callable[[News], None]
    every: float  # seconds between two listings, at least
    stop: threading.Event = field(default_factory=threading.Event)
    ready: threading.Event = field(default_factory=threading.Event)

    def changed(self, path: str = "", ahead: float = 0.0) -> None:
        """Tell of a change."""
        self.tell(Changed(self.source.alias, path, ahead))

    def heard(self, how: Literal["events", "polling", "absent"], why: str = "") -> None:
        """Tell how it is watched; from then on no change is missed that it can hear of."""
        self.tell(Heard(self.source.alias, how, why))
        self.ready.set()


def started(root: Watched, how: How) -> threading.Thread:
    """Watch a root by a thread of its own, until ``root.stop`` is set."""

    def work() -> None:
        try:
            _watch(root, how)
        except Exception as error:  # noqa: BLE001 - told to who waits: no thread ends unheard
            root.tell(Failed(error))
            root.ready.set()

    thread = threading.Thread(target=work, name=f"watch {root.source.alias}", daemon=True)
    thread.start()
    return thread


def _watch(root: Watched, how: How) -> None:
    why = "" if how == "polling" else unheard(root.source.url)
    if how == "polling" or (how == "auto" and why) or is_remote(root.source.url):
        by_listing(root, why)
    else:
        by_events(root)


def unheard(url: str) -> str:
    """Why no events tell of all changes below a root; "" where they do.

    The file system that it lies on, or one that is mounted below it, is shared with other
    machines.
    """
    if is_remote(url):
        return "a store tells of no change"
    if url.startswith("\\\\"):
        return "a folder of another machine"
    inside = f"{url.rstrip(os.sep)}{os.sep}"
    kinds = {part.mountpoint: part.fstype for part in psutil.disk_partitions(all=True)}
    under = [point for point in kinds if inside.startswith(f"{point.rstrip(os.sep)}{os.sep}")]
    below = [point for point in kinds if point.startswith(inside)]
    for point in [*sorted(under, key=len)[-1:], *sorted(below)]:
        kind = kinds[point].lower()
        if kind in SHARED or kind.startswith("fuse."):
            return f"{point} is {kind}, which others may change unheard"
    return ""


def by_events(root: Watched) -> None:
    """Tell what the system tells of a local root; where it cannot watch it, list it instead."""
    folder, matters = root.source.url, Matters(root)
    was_there = True
    while not root.stop.is_set():
        place = _identity(folder)
        if place is None:
            if was_there or not root.ready.is_set():
                root.heard("absent")
                root.changed()
            was_there = False
            root.stop.wait(_ABSENT)
            continue
        again, was_there = root.ready.is_set(), True
        try:
            _follow(root, matters, place, again=again)
        except FileNotFoundError:  # it, or a folder in it, went in this moment
            root.stop.wait(_ABSENT)
        except (OSError, RuntimeError) as error:  # a limit of the system; watchfiles has both
            root.changed()
            by_listing(root, _why(error))
            return


def _follow(root: Watched, matters: Matters, place: tuple[int, int], *, again: bool) -> None:
    """Tell events until the folder is another one, or nothing; or until it shall stop."""
    folder, told = root.source.url, False
    for changes in watch(
        folder,
        watch_filter=None,
        stop_event=root.stop,
        rust_timeout=_TURN_MS,
        yield_on_timeout=True,
        step=100,
        debounce=_TURN_MS,
        raise_interrupt=False,
        force_polling=False,
        ignore_permission_denied=True,
    ):
        if not told:  # from now on: what came before is found by the look that follows
            told = True
            root.heard("events")
            if again:
                root.changed()
        for path in {path for _, location in changes if (path := matters.path(location))}:
            root.changed(path)
        if _identity(folder) != place:
            root.changed()
            return


def _identity(folder: str) -> tuple[int, int] | None:
    """What the folder is for the system: another one of the same name is none that is watched."""
    try:
        status = Path(folder).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _why(error: OSError | RuntimeError) -> str:
    told = f"the system cannot watch it ({error})"
    limits = "fs.inotify.max_user_watches and max_user_instances"
    return f"{told}; on Linux raise {limits}"


class Matters:
    """Which events tell of something that a run would look at."""

    def __init__(self, root: Watched) -> None:
        self._folder = root.source.url
        self._rules = Rules(root.spec, named_manifest(root.source, root.spec))
        self._lake = os.path.realpath(str(root.lake))

    def path(self, location: str) -> str | None:
        """The path below the root; None for junk, for what is left out, and for any lake.

        A folder link inside the root hides the folder's own events: they come under the link.
        """
        above, name = os.path.split(location)
        inner = os.path.relpath(os.path.realpath(above), self._folder)
        path = f"{inner.replace(os.sep, '/')}/{name}".removeprefix("./")
        if path.startswith("../") or location == self._folder:
            return None
        parts = path.split("/")
        paths = ["/".join(parts[: count + 1]) for count in range(len(parts))]
        if any(map(self._rules.left_out, parts, paths)):
            return None
        if any(map(self._is_lake, paths)):
            return None
        return path if self._rules.wanted(name, path) or self._may_be_folder(path) else None

    def _is_lake(self, path: str) -> bool:
        place = f"{self._folder}/{path}"
        return place == self._lake or all(Path(place, name).exists() for name in LAKE)

    def _may_be_folder(self, path: str) -> bool:
        place = Path(self._folder, path)
        return place.is_dir() or not place.exists()


def by_listing(root: Watched, why: str) -> None:
    """Tell which folders of a root have changed since it was listed before.

    A listing holds one number a folder. What it shows of a file is its size and its time.
    """
    before, took = _timed(root)
    root.heard("absent" if before is None else "polling", why)
    gap = max(root.every, LISTING_SHARE * took)
    while not root.stop.wait(gap):
        now, took = _timed(root)
        gap = max(root.every, LISTING_SHARE * took)
        if (now is None) != (before is None):
            root.heard("absent" if now is None else "polling", why)
            root.changed()
        for folder in differing(before or {}, now or {}):
            root.changed(folder, gap)
        before = now


def differing(before: Mapping[str, int], now: Mapping[str, int]) -> Iterator[str]:
    """The folders of which one listing says otherwise than the other."""
    for folder in before.keys() | now.keys():
        if before.get(folder) != now.get(folder):
            yield folder


def _timed(root: Watched) -> tuple[dict[str, int] | None, float]:
    began = time.monotonic()
    return listed(root), time.monotonic() - began


def listed(root: Watched) -> dict[str, int] | None:
    """A hash of each folder's names, sizes and times; None where no file is to be seen."""
    found: dict[str, int] = {}
    try:
        entries = walk(root.source, root.spec, root.lake).entries
    except (MmindexError, OSError):  # what is wrong, the run says
        return None
    for path, size, mtime, _, _, fault in entries:
        folder = path.rpartition("/")[0]
        found[folder] = hash((found.get(folder, 0), path, size, mtime, fault))
    return found
