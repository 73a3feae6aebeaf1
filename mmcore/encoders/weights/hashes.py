"""SHA-256 of large files, computed once for each state of a file on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
import time
from pathlib import Path
from typing import Final

from storage.schemas import digest

_SMALL: Final = 1 << 20  # bytes below which hashing is cheaper than remembering
_YOUNG: Final = 100_000_000  # ns in which a file could change again without a new time
_HASH: Final = re.compile(r"[0-9a-f]{64}")


def sha256_of(path: Path) -> str:
    """The hash of a file, as hex digits; of a large one it is kept by path, size and times."""
    stat = path.stat()
    if stat.st_size < _SMALL:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    kept = _entry(path, stat)
    found = _kept(kept)
    if found is None:
        now = time.time_ns()
        found = read_hash(path)
        if _state(path, path.stat()) == _state(path, stat) and now - _last(stat) > _YOUNG:
            _keep(kept, {"path": str(path.resolve()), "sha256": found})
    return found


def remember(path: Path, sha256: str) -> None:
    """Keep the hash of a file that was read under another name, and that nobody else writes."""
    stat = path.stat()
    if stat.st_size >= _SMALL:
        _keep(_entry(path, stat), {"path": str(path.resolve()), "sha256": sha256})


def read_hash(path: Path) -> str:
    """The hash of a file as it is now."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _state(path: Path, stat: os.stat_result) -> list[object]:
    """What tells whether a file is still as it was when it was hashed."""
    times = [stat.st_mtime_ns, stat.st_ctime_ns]
    return [str(path.resolve()), stat.st_size, *times, stat.st_dev, stat.st_ino]


def _entry(path: Path, stat: os.stat_result) -> Path:
    """Where the hash of that state is kept."""
    return _cache() / f"{digest(_state(path, stat))}.json"


def _last(stat: os.stat_result) -> int:
    return max(stat.st_mtime_ns, stat.st_ctime_ns)


def _cache() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(root).expanduser() / "mmindex" / "hashes"


def _kept(path: Path) -> str | None:
    """The hash of an entry; None where there is none, or it is damaged."""
    try:
        found = json.loads(path.read_text("ascii"))["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) and _HASH.fullmatch(found) else None


def _keep(path: Path, told: dict[str, str]) -> None:
    """Write a file whole; where the cache cannot be written to, the next process hashes again."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        number, building = tempfile.mkstemp(dir=path.parent, suffix=".partial")
        with os.fdopen(number, "w", encoding="ascii") as file:
            json.dump(told, file)
        Path(building).replace(path)
    except OSError:
        return
