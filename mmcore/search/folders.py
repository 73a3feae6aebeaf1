"""Folders for a while; those of a process that was killed go when the next one begins."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
import weakref
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from mmcore.closing import Closing

_KINDS: Final = ("where", "query", "upload")
_HELD: Final = ".held"
_YOUNG: Final = 60.0
"""Seconds for which a folder is left alone: its maker may not hold it yet."""


class Folder(Closing):
    """A folder ``mmindex-<kind>-…`` where the system has such; it goes with this object.

    A file in it is locked as long: the system ends that with the process, however that ends, and
    also where another container has the same folder for such. What lies in it is of the user's
    media, so nothing is left behind: the first folder of a process sweeps first.
    """

    def __init__(self, kind: str) -> None:
        swept()
        self.path: Final = Path(tempfile.mkdtemp(prefix=f"mmindex-{kind}-"))
        lock = _lock(self.path)
        lock.acquire()
        self._close = weakref.finalize(self, _removed, self.path, lock)

    def close(self) -> None:
        """Remove the folder and all that is in it."""
        self._close()


@cache
def swept() -> None:
    """Sweep, once a process."""
    sweep()


def sweep() -> None:
    """Remove the folders of processes that are no more; those of other users are left."""
    for path in _left():
        lock = _lock(path)
        with suppress(Timeout, OSError):
            lock.acquire(blocking=False)
            _removed(path, lock)


def _left() -> Iterator[Path]:
    """Folders of ours that were not made just now, held by somebody or not."""
    place, now = Path(tempfile.gettempdir()), time.time()
    for kind in _KINDS:
        for path in place.glob(f"mmindex-{kind}-*"):
            with suppress(OSError):  # another one sweeps too
                folder, held = path.lstat(), (path / _HELD).lstat()
                ours = stat.S_ISDIR(folder.st_mode) and folder.st_uid == _myself()
                if ours and now - held.st_mtime > _YOUNG:
                    yield path


def _myself() -> int:
    """The user of this process; 0 for everybody, as the system tells of files, on Windows."""
    return os.geteuid() if hasattr(os, "geteuid") else 0


def _lock(folder: Path) -> FileLock:
    return FileLock(folder / _HELD, thread_local=False)


def _removed(path: Path, lock: FileLock) -> None:
    shutil.rmtree(path, ignore_errors=True)
    lock.release()
