"""What a figure was measured on, for the line above each table."""

from __future__ import annotations

import os
import platform
import resource
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("torch", "faiss-cpu", "numpy", "prefect")


def describe() -> str:
    """Processor, cores, load and versions, in one line."""
    info = Path("/proc/cpuinfo")
    names = (
        [
            line.partition(":")[2].strip()
            for line in info.read_text().splitlines()
            if line.startswith("model name")
        ]
        if info.exists()
        else [platform.processor()]
    )
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    load = f"load {os.getloadavg()[0]:.1f}"
    python = f"Python {platform.python_version()}"
    return f"{names[0]}, {os.cpu_count()} cores, {load}, {python}, {versions}"


def resources() -> str:
    """CPU seconds and peak memory of this process so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return f"{used.ru_utime + used.ru_stime:.1f} cpu-s, peak {used.ru_maxrss / 1024:.0f} MB"
