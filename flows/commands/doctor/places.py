"""Disks: of the lake, the cache, Prefect's database, and of temporary files."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from mmcore.inspection.machine.checked import Checked, Checks, State, within
from storage.places import cache

WARN_GB: Final = 5.0
FAIL_GB: Final = 0.5
_INODES: Final = 20_000  # files and folders that can still be made
_FEW: Final = 1_000
_NAMED_BY: Final = {"tmp": "TMPDIR", "cache": "MMINDEX_CACHE", "prefect": "PREFECT_HOME"}
"""What is looked at → the variable that names another place for it."""


def temporary() -> Checks:
    """Where decoders and libraries put what they need for a moment."""
    yield disk("tmp", Path(tempfile.gettempdir()))


def cached() -> Checks:
    """Where copies of remote files, weights and the staging of remote lakes lie."""
    yield disk("cache", cache.folder())


def prefect_home() -> Checks:
    """Where Prefect's database, its profiles and the log of the temporary server lie."""
    yield disk("prefect", home())


def home() -> Path:
    """Prefect's folder, as it reads it from the environment; asks no Prefect."""
    return Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()


def disk(which: str, place: Path) -> Checked:
    """Room, free inodes, and whether it can be written to; asks, and writes nothing."""
    there = existing(place)
    usage = shutil.disk_usage(there)
    facts = {"which": which, "place": str(place), "free": usage.free, "total": usage.total}
    check = f"disk-{which}"
    if not os.access(there, os.W_OK | os.X_OK):
        return Checked(check, "fail", "disk-closed", facts)
    state = within(usage.free / 1e9, WARN_GB, FAIL_GB)
    if state != "ok" and which in _NAMED_BY:
        return Checked(check, state, "disk-full", {**facts, "variable": _NAMED_BY[which]})
    if state != "ok":
        return Checked(check, state, "disk-full-lake", facts)
    return _inodes(check, there, facts)


def _inodes(check: str, there: Path, facts: Mapping[str, Any]) -> Checked:
    if not hasattr(os, "statvfs"):  # Windows
        return Checked(check, "ok", "disk", facts)
    status = os.statvfs(there)
    if status.f_files and status.f_favail < _INODES:  # some file systems count none
        state: State = "fail" if status.f_favail < _FEW else "warn"
        return Checked(check, state, "disk-inodes", {**facts, "inodes": status.f_favail})
    return Checked(check, "ok", "disk", facts)


def existing(place: Path) -> Path:
    """The place itself, or the first folder above it that is there: it would be made below."""
    return next((one for one in (place, *place.parents) if one.exists()), Path.cwd())
