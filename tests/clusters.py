"""A Dask cluster as on several machines: each worker a process with folders of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
_AT = re.compile(r"Scheduler at:\s+(tcp://\S+)")
_START = 120.0  # seconds that a process may take, on a machine that others use too


@dataclass(slots=True)
class DaskCluster:
    """A scheduler, its workers, and where each of them works."""

    address: str
    scheduler: subprocess.Popen[bytes]
    folder: Path
    stack: ExitStack
    resources: Sequence[str]
    preload: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def place(self, number: int) -> Path:
        """The folder of a worker: its working folder, cache, home and temporary files."""
        return self.folder / f"worker-{number}"

    def log(self, number: int) -> str:
        """What a worker has said."""
        return (self.place(number) / "log").read_text("utf-8")

    def started(self, number: int) -> subprocess.Popen[bytes]:
        """A worker, perhaps in the place of one that was killed, whose folders it finds."""
        place, declared = self.place(number), self.resources[number]
        for name in ("tmp", "cache", "home"):
            (place / name).mkdir(parents=True, exist_ok=True)
        own = {
            "TMPDIR": str(place / "tmp"),
            "MMINDEX_CACHE": str(place / "cache"),
            "HOME": str(place / "home"),
            **self.environment,
        }
        command = ["worker", self.address, "--nthreads", "1", "--no-dashboard"]
        command += ["--no-nanny", "--name", str(number)]
        command += ["--death-timeout", str(_START)]
        command += ["--resources", declared] if declared else []
        command += ["--preload", self.preload] if self.preload else []
        return _started(self.stack, command, place / "log", place, own)


@contextmanager
def dask_cluster(
    folder: Path,
    resources: Sequence[str],
    preload: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[DaskCluster]:
    """Run a scheduler and a worker for each of ``resources`` (``CPU=1``, or ``""``)."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        log = folder / "scheduler.log"
        scheduler = _started(
            stack,
            [
                "scheduler",
                "--host",
                "127.0.0.1",
                "--port",
                "0",
                "--dashboard-address",
                "127.0.0.1:0",
            ],
            log,
            folder,
            {},
        )
        found = DaskCluster(
            _address(scheduler, log),
            scheduler,
            folder,
            stack,
            resources,
            preload,
            environment or {},
        )
        found.workers += [found.started(number) for number in range(len(resources))]
        yield found


def _started(
    stack: ExitStack, command: list[str], log: Path, cwd: Path, own: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **own}
    out = stack.enter_context(log.open("wb"))
    process = subprocess.Popen(
        [sys.executable, "-m", "distributed.cli.dask_" + command[0], *command[1:]],
        stdout=out,
        stderr=out,
        cwd=cwd,
        env=environment,
    )
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline and process.poll() is None:
        if found := _AT.search(log.read_text("utf-8")):
            return found[1]
        time.sleep(0.05)
    raise RuntimeError(f"the scheduler did not start: {log.read_text('utf-8')}")
