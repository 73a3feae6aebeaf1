"""What one phase of a benchmark took, in a process of its own."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

Figures = dict[str, Any]


@contextmanager
def measured(told: Figures) -> Iterator[None]:
    """Put wall and CPU seconds of the block, and the process' peak memory after it, into it."""
    wall, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    yield
    after = resource.getrusage(resource.RUSAGE_SELF)
    told["wall_s"] = round(time.perf_counter() - wall, 3)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    told |= {"cpu_s": round(cpu, 3), "peak_mb": after.ru_maxrss // 1024}
    told["before_mb"] = before.ru_maxrss // 1024


def in_process(module: str, *arguments: object, env: Mapping[str, str] | None = None) -> Figures:
    """Run ``python -m module …``: the JSON of its last line, and how long the process took."""
    command = [sys.executable, "-m", module, *map(str, arguments)]
    wall = time.perf_counter()
    done = subprocess.run(
        command,
        cwd=Path(__file__).parents[1],
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    figures: Figures = json.loads(done.stdout.splitlines()[-1])
    return figures | {"process_s": round(time.perf_counter() - wall, 3)}


def timed(command: Sequence[str]) -> Figures:
    """Wall and CPU seconds of a program whose output is thrown away."""
    wall, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"wall_s": round(time.perf_counter() - wall, 3), "cpu_s": round(cpu, 3)}


def repeated(phases: Mapping[str, Callable[[], Figures]], repeats: int) -> dict[str, Figures]:
    """Run all phases in turn, ``repeats`` times; minimum and median of each of their figures."""
    found: dict[str, list[Figures]] = {name: [] for name in phases}
    for _ in range(repeats):
        for name, phase in phases.items():
            found[name].append(phase())
    return {name: _summary(runs) for name, runs in found.items()}


def _summary(runs: Sequence[Figures]) -> Figures:
    told: Figures = {}
    for key, value in runs[0].items():
        if isinstance(value, int | float):
            values = [run[key] for run in runs]
            told[key] = {"min": min(values), "median": round(median(values), 3)}
        else:
            told[key] = value
    return told
