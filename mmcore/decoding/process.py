"""A worker process as its owner sees it: asked, listened to, watched, killed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any, Final

import psutil

_LOOK: Final = 0.5
"""Seconds between two looks at the worker's memory."""

_ONE_THREAD: Final = {
    name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
}
"""Workers share the cores among them; and sums of one thread are always the same."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The process is no more: its exit code, negative for the signal that ended it."""

    code: int


class Silent(Exception):
    """No answer came in time."""


class TooBig(Exception):
    """The process has more memory than it may."""


class Process:
    """One worker; used by one thread at a time."""

    def __init__(self) -> None:
        self._popen = subprocess.Popen(
            [sys.executable, "-P", "-m", "mmcore.decoding.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **_ONE_THREAD, "PYTHONPATH": os.pathsep.join(sys.path)},
            start_new_session=True,  # Ctrl-C is for who owns it, who then lets it end
        )
        self._answers: SimpleQueue[Mapping[str, Any] | None] = SimpleQueue()
        self._looked = 0.0
        threading.Thread(target=self._listen, name="decoding-answers", daemon=True).start()

    @property
    def number(self) -> int:
        """What the system calls it."""
        return self._popen.pid

    @property
    def alive(self) -> bool:
        """Whether it can be asked."""
        return self._popen.poll() is None

    def ask(self, job: Mapping[str, Any]) -> None:
        """Give it a job; one that has ended does not complain, but will not answer."""
        assert self._popen.stdin is not None
        with suppress(BrokenPipeError):
            self._popen.stdin.write(json.dumps(job, separators=(",", ":")).encode() + b"\n")
            self._popen.stdin.flush()

    def hear(self, until: float, most_bytes: int) -> Mapping[str, Any] | Ended:
        """Its next answer, or its end.

        Raises:
            Silent: none came before ``until`` (of ``time.monotonic``).
            TooBig: it has more than ``most_bytes`` in memory.
        """
        while True:
            now = time.monotonic()
            if now - self._looked > _LOOK:
                self._looked = now
                self._check_memory(most_bytes)
            try:
                answer = self._answers.get(timeout=max(0.001, min(_LOOK, until - now)))
            except Empty:
                if time.monotonic() >= until:
                    raise Silent from None
                continue
            return Ended(self._popen.wait()) if answer is None else answer

    def kill(self) -> None:
        """End it at once."""
        self._popen.kill()
        self._popen.wait()

    def dismiss(self) -> None:
        """Let it end by itself, soon."""
        self._close()

    def _close(self) -> None:
        assert self._popen.stdin is not None
        with suppress(BrokenPipeError):
            self._popen.stdin.close()

    def _check_memory(self, most_bytes: int) -> None:
        with suppress(psutil.Error):
            if psutil.Process(self._popen.pid).memory_info().rss > most_bytes:
                raise TooBig

    def _listen(self) -> None:
        assert self._popen.stdout is not None
        with self._popen.stdout as lines:
            for line in lines:
                with suppress(ValueError):  # cut off by its end
                    self._answers.put(json.loads(line))
        self._close()
        self._popen.wait()
        self._answers.put(None)
