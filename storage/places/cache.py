"""Local files that stand for remote ones: kept while there is room, the longest unused go first.

The folder is ``$MMINDEX_CACHE``, or ``mmindex`` in the platform's cache folder. It is bounded by
``$MMINDEX_CACHE_BYTES``. All of it may be removed at any time.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

from storage.errors import PlaceError

_BOUND: Final = 20 * 10**9  # bytes
_LEFT: Final = 86_400.0  # seconds after which nobody writes to an upload any more


def folder() -> Path:
    """Where the cache lies; not made here."""
    if chosen := os.environ.get("MMINDEX_CACHE"):
        return Path(chosen).expanduser().resolve()
    if sys.platform == "win32":
        above = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        above = Path.home() / "Library" / "Caches"
    else:
        above = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return above / "mmindex"


def bound() -> int:
    """How many bytes the copies may take together."""
    text = os.environ.get("MMINDEX_CACHE_BYTES") or str(_BOUND)
    try:
        return int(float(text))
    except (ValueError, OverflowError) as error:
        raise PlaceError("MMINDEX_CACHE_BYTES", f"{text!r} is no number of bytes") from error


def staging(name: str) -> Path:
    """The folder of arrays of a run on the remote lake that ``name`` stands for."""
    return folder() / "staging" / name


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a path to write, in the cache's folder; what stands there at the end is removed.

    So is what killed processes left there more than a day ago.
    """
    here = folder() / "uploads"
    here.mkdir(parents=True, exist_ok=True)
    _clean(here, older_than=time.time() - _LEFT)
    path = here / f".{uuid4().hex}.tmp"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def kept(name: str, size: int, fetch: Callable[[Path], object]) -> Path:
    """The copy called ``name``, of ``size`` bytes; ``fetch`` writes it where it is not there.

    It appears whole or not at all, whoever else fetches it meanwhile. Raises PlaceError for a
    copy of another size: the file changed, or the connection broke.
    """
    path = folder() / "files" / name
    if path.is_file() and path.stat().st_size == size:
        os.utime(path)  # used now
        return path
    with scratch() as temporary:
        fetch(temporary)
        if (got := temporary.stat().st_size) != size:
            raise PlaceError(name, f"{got} bytes were fetched, not {size}: try again")
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.replace(path)
    _evict(path)
    return path


def clear() -> None:
    """Remove all copies and uploads: what was erased from a lake must not stay in them.

    Another process whose upload is under way fails, and its run is to be started again.
    """
    for name in ("files", "uploads"):
        _clean(folder() / name)


def _clean(here: Path, *, older_than: float = float("inf")) -> None:
    for path in here.iterdir() if here.is_dir() else ():
        with suppress(FileNotFoundError):  # its process ended meanwhile
            if path.lstat().st_mtime < older_than:
                _removed(path)


def _evict(new: Path) -> None:
    """Remove the copies that were unused for longest until the bound holds; ``new`` stays."""
    there = []
    for path in new.parent.iterdir():
        try:
            there.append((path.stat(), path))
        except FileNotFoundError:  # another process evicts too
            continue
    excess = sum(like.st_size for like, _ in there) - bound()
    for like, path in sorted(there, key=lambda one: one[0].st_mtime_ns):
        if excess <= 0:
            return
        if path != new:
            excess -= like.st_size if _removed(path) else 0


def _removed(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except PermissionError:  # Windows: somebody reads it
        return False
    return True
