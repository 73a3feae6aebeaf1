"""Python, the system, its cores and its memory."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path
from typing import Final

import psutil

from mmcore.inspection.machine.checked import Checked, Checks, within
from mmcore.processes.cores import cores

OLDEST: Final = (3, 11)
MEMORY_GB: Final = 4.0
"""Of less a run with the usual preset may end in the middle: models and a decoder share it."""
_FREE_GB: Final = 1.0
_OPEN_FILES: Final = 1024
_BITS: Final = 2**32
_CGROUP: Final = Path("/sys/fs/cgroup")


def python() -> Checks:
    """Its version, and whether it is one that mmindex runs on."""
    facts = {
        "version": platform.python_version(),
        "implementation": platform.python_implementation(),
        "place": sys.prefix,
    }
    if sys.version_info[:2] < OLDEST or sys.maxsize < _BITS:
        yield Checked("python", "fail", "python-old", facts)
    else:
        yield Checked("python", "ok", "python", facts)


def system() -> Checks:
    """The system, and whether packages with compiled code are made for it."""
    facts = {"system": platform.system(), "release": platform.release()}
    facts |= {"machine": platform.machine()}
    if sys.platform == "linux" and platform.libc_ver()[0] != "glibc":
        yield Checked("system", "warn", "system-musl", facts)
    elif sys.platform == "darwin" and platform.machine() == "x86_64":
        yield Checked("system", "warn", "system-intel-mac", facts)
    else:
        yield Checked("system", "ok", "system", facts)


def cpu(cgroup: Path = _CGROUP) -> Checks:
    """The cores that a run may use; a container may give less time than cores."""
    usable, quota = cores(), _quota(cgroup)
    facts = {"cores": usable, "machine": os.cpu_count() or usable, "quota": quota}
    if quota is not None and quota < usable:
        told = max(1, round(quota))
        yield Checked("cores", "warn", "cores-quota", {**facts, "threads": told})
    else:
        yield Checked("cores", "ok", "cores", facts)


def _quota(cgroup: Path) -> float | None:
    """Cores' worth of time that a container gets (cgroup v2); None: no bound."""
    try:
        most, period = (cgroup / "cpu.max").read_text("ascii").split()
        return round(int(most) / int(period), 2)
    except (OSError, ValueError, ZeroDivisionError):  # none, "max", or another system
        return None


def memory(cgroup: Path = _CGROUP) -> Checks:
    """Memory that there is and that is free; that of a container where it is less."""
    has = psutil.virtual_memory()
    bound, used = _bytes(cgroup / "memory.max"), _bytes(cgroup / "memory.current") or 0
    total = has.total if bound is None else min(has.total, bound)
    free = has.available if bound is None else min(has.available, max(0, bound - used))
    facts = {"total": total, "free": free, "wanted": MEMORY_GB}
    if total < MEMORY_GB * 1e9:
        yield Checked("memory", "warn", "memory-small", facts)
    elif free < _FREE_GB * 1e9:
        yield Checked("memory", "warn", "memory-taken", facts)
    else:
        yield Checked("memory", "ok", "memory", facts)


def _bytes(path: Path) -> int | None:
    try:
        return int(path.read_text("ascii"))
    except (OSError, ValueError):  # none, "max", or another system
        return None


def open_files() -> Checks:
    """How many files a process may have open at once."""
    if sys.platform == "win32":
        return
    import resource  # noqa: PLC0415 - not on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    bounds = {
        name: -1 if limit == resource.RLIM_INFINITY else limit
        for name, limit in (("soft", soft), ("hard", hard))
    }
    number = sys.maxsize if bounds["soft"] < 0 else bounds["soft"]
    state = within(number, _OPEN_FILES, 64)
    said = "open-files" if state == "ok" else "open-files-few"
    yield Checked("open-files", state, said, {**bounds, "wanted": _OPEN_FILES})
