"""The real command `mmindex index`, watched from outside, and what it made of every file."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from storage.layout import Layout
from storage.schemas import MODALITIES, content_id
from storage.snapshot import Snapshot

ROOT = "media"
OK = "ok"
LOST = "lost"  # neither segments nor a reason: what must never be
PATIENCE = 7200  # seconds for one run
EVERY = 0.1  # seconds between two looks at the memory


@dataclass(frozen=True, slots=True)
class Run:
    """How a run ended and what it took; ``peak_pss`` is of all its processes at once, in bytes."""

    code: int
    told: Mapping[str, Any]
    said: str
    wall_s: float
    cpu_s: float
    peak_pss: int

    @property
    def figures(self) -> dict[str, Any]:
        """For a table and a JSON."""
        peak = round(self.peak_pss / 1e6)
        return {
            "exit": self.code,
            "wall_s": self.wall_s,
            "cpu_s": self.cpu_s,
            "peak_pss_mb": peak,
            "stages_s": self.told.get("seconds", {}),
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file: ``ok``, ``stage/reason``, both where a part is damaged, or lost."""

    content_id: str
    outcome: str


def index(media: Path, lake: Path, *options: str, preset: str = "embedded") -> Run:
    """Run `mmindex index` over a folder to its end, however many of its files are bad.

    One that does not end within ``PATIENCE`` is killed: its code is -9.
    """
    command = [sys.executable, "-m", "flows.cli", "index", f"{ROOT}={media}", "--lake", str(lake)]
    command += ["--preset", preset, "--max-bad-fraction", "1", "--json", *options]
    before, since = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=Path(__file__).parents[1],
        env={**os.environ, "PREFECT_HOME": f"{lake}.prefect"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    peak = Peak(process.pid)
    watcher = threading.Thread(target=peak.watch)
    watcher.start()
    try:
        out, said = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:  # its workers end when their pipes close
        process.kill()
        out, said = process.communicate()
    wall, after = time.perf_counter() - since, resource.getrusage(resource.RUSAGE_CHILDREN)
    peak.ended.set()
    watcher.join()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    told: dict[str, Any] = {}
    with suppress(json.JSONDecodeError):
        told = json.loads(out)
    return Run(process.returncode, told, said, round(wall, 1), round(cpu, 1), peak.bytes)


class Peak:
    """The most memory that a process and all below it held at once; shared pages count once."""

    def __init__(self, pid: int) -> None:
        self.pid, self.bytes, self.ended = pid, 0, threading.Event()

    def watch(self) -> None:
        """Look again and again until ``ended``, for a twentieth of the time at most.

        The kernel counts the pages of all processes at each look.
        """
        spent = 0.0
        while not self.ended.wait(max(EVERY, 20 * spent)):
            began = time.perf_counter()
            with suppress(psutil.Error):
                root = psutil.Process(self.pid)
                together = sum(map(_pss, [root, *root.children(recursive=True)]))
                self.bytes = max(self.bytes, together)
            spent = time.perf_counter() - began


def _pss(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.Error:  # it has ended
        return 0


def outcomes(media: Path, lake: Path) -> dict[str, Outcome]:
    """What the published snapshot says of every file that lies below ``media``, by path."""
    snapshot = Snapshot.open(Layout(lake))
    embedded = {
        content
        for modality in MODALITIES
        for content in snapshot.rows(f"segments/{modality}", ["content_id"])[
            "content_id"
        ].to_pylist()
    }
    reasons: dict[str, set[str]] = {}  # by path, and by content
    for row in snapshot.rows("quarantine").to_pylist():
        if row["root"] != ROOT:
            continue
        for key in {row["path"], row["content_id"]} - {None}:
            reasons.setdefault(key, set()).add(f"{row['stage']}/{row['reason']}")
    listed = {
        row["path"]: row["content_id"]
        for row in snapshot.rows("files", ["root", "path", "content_id"]).to_pylist()
        if row["root"] == ROOT
    }
    found: dict[str, Outcome] = {}
    for path in sorted(path for path in media.rglob("*") if path.is_file()):
        name, content = path.relative_to(media).as_posix(), content_id(path.read_bytes())
        whole = [OK] if listed.get(name) == content and content in embedded else []
        why = reasons.get(name, set()) | reasons.get(content, set())
        found[name] = Outcome(content, "; ".join([*whole, *sorted(why)]) or LOST)
    return found
