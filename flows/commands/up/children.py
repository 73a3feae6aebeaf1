"""The processes of `mmindex up`: started, started again when they end, ended in order."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from flows.commands.up.child import GRACE

LOG_BYTES: Final = 10_000_000
"""A log that has grown beyond this is kept as NAME.1, and begun anew, at the next start."""

SOUND: Final = 60.0
"""Seconds after which a process that ends is no longer one that cannot start."""

LONGEST: Final = 60.0
"""Seconds until one that ends again and again is started again, at most."""


class Child:
    """A module of Python that runs as a script for as long as this process lives."""

    def __init__(
        self, name: str, arguments: Sequence[str], log: Path, environment: Mapping[str, str]
    ) -> None:
        self.name, self.log = name, log
        self._arguments, self._environment = arguments, environment
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0
        self._failures = 0
        self.again_at: float | None = None
        """When it is started again; None while it runs."""

    def start(self) -> None:
        """Start it, in a session of its own: Ctrl-C reaches this process first."""
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_name(f"{self.log.name}.1"))
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "flows.commands.up.child", *self._arguments],
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._began, self.again_at = time.monotonic(), None

    def ended(self) -> int | None:
        """How it ended (less than 0: by a signal), told once; it is to be started again then."""
        if self._process is None or self.again_at is not None:
            return None
        code = self._process.poll()
        if code is None:
            return None
        self._process.communicate()  # closes its pipe
        now = time.monotonic()
        self._failures = 0 if now - self._began > SOUND else self._failures + 1
        self.again_at = now + min(LONGEST, 2.0**self._failures)
        return code

    @property
    def pid(self) -> int | None:
        """Of the process, also where it has just ended; None where there is none."""
        return self._process.pid if self._process else None

    @property
    def due(self) -> bool:
        """Whether it ended, and is to be started again now."""
        return self.again_at is not None and time.monotonic() >= self.again_at

    def stop(self) -> None:
        """Let it end in order; end it where it does not."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=GRACE + 5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def last_words(self, lines: int = 5) -> str:
        """The end of its log."""
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - 4096))
            said = file.read().decode("utf-8", "replace").splitlines()
        return "\n".join(line for line in said[-lines:] if line.strip())


def environment_of(**settings: str) -> dict[str, str]:
    """This process's environment, with our code in it, and ``settings`` where nothing is set."""
    path = [str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH")]
    # PYTHONSAFEPATH: a folder `tasks` where somebody works is not ours
    ours = {"PYTHONPATH": os.pathsep.join(filter(None, path)), "PYTHONSAFEPATH": "1"}
    return {**settings, **os.environ, **ours}
