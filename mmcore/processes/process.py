"""A worker process as its owner sees it: asked, listened to, watched, killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from queue import Empty, SimpleQueue
from typing import Any, Final

import psutil

from mmcore.processes import interruption

_LOOK: Final = 0.1
"""Seconds between two looks at the worker's memory."""

_START: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    " from importlib import import_module; import_module(sys.argv[2]).main()"
)
"""A worker imports from where its owner does; a path may hold what separates PYTHONPATH."""

ALARM: Final = getattr(signal, "SIGALRM", 0)  # neither is on Windows
KILL: Final = getattr(signal, "SIGKILL", 0)

IDLE_CODE: Final = 75
"""Exit code of a worker that ended because nobody asked it for a while."""

_NEARLY: Final = 0.5
"""Share of the memory it may have from which a crash is laid to it: libraries abort without it."""

_TAIL: Final = 2000  # characters of what a process said last

_SECRET: Final = re.compile(r"TOKEN|SECRET|PASSWORD|CREDENTIAL|API_KEY|ACCESS_KEY", re.I)
"""Names of variables that no worker needs."""


class Why(Enum):
    """How a process came to its end."""

    BY_ITSELF = auto()
    SILENT = auto()  # no answer came in time
    TOO_BIG = auto()  # it had more memory than it may


@dataclass(frozen=True, slots=True)
class Ended:
    """The process is no more: its exit code, negative for the signal that ended it."""

    code: int
    why: Why = Why.BY_ITSELF


class Process:
    """One worker; used by one thread at a time.

    It runs ``main`` of ``module``; ``variables`` are set in its environment.
    """

    def __init__(self, module: str, variables: Mapping[str, str]) -> None:
        self._said = tempfile.TemporaryFile("a+b")  # noqa: SIM115 - open as long as it lives
        self._popen = subprocess.Popen(
            [sys.executable, "-P", "-c", _START, json.dumps(sys.path), module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env=_environment(variables),
            start_new_session=True,  # Ctrl-C is for who owns it, who then lets it end
        )
        self._answers: SimpleQueue[Mapping[str, Any] | None] = SimpleQueue()
        self._looked = 0.0
        self._most_bytes = 0
        self._last_words = ""
        self._listener = threading.Thread(target=self._listen, name=module, daemon=True)
        self._listener.start()

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
        assert self._popen.stdin is not None  # for the types: it is a pipe
        with suppress(BrokenPipeError, ValueError):  # it has ended; its pipe may be closed
            self._popen.stdin.write(json.dumps(job, separators=(",", ":")).encode() + b"\n")
            self._popen.stdin.flush()

    def hear(
        self, until: float = float("inf"), most_bytes: float = float("inf")
    ) -> Mapping[str, Any] | Ended:
        """Its next answer, or its end.

        It is killed when none comes before ``until`` (of ``time.monotonic``), and when it has
        more than ``most_bytes`` in memory. Raises InterruptedWorkError once who waits was
        interrupted; the worker is the caller's to end.
        """
        while True:
            interruption.check()
            now = time.monotonic()
            if now - self._looked > _LOOK:
                self._looked = now
                now_bytes = self._bytes()
                self._most_bytes = max(self._most_bytes, now_bytes)
                if now_bytes > most_bytes:
                    return self._killed(Why.TOO_BIG)
            try:
                answer = self._answers.get(timeout=max(0.001, min(_LOOK, until - now)))
            except Empty:
                if time.monotonic() >= until:
                    return self._killed(Why.SILENT)
                continue
            if answer is not None:
                if "finished" in answer:
                    self._forget_words()
                return answer
            grew = self._most_bytes > _NEARLY * most_bytes
            return Ended(self._popen.wait(), Why.TOO_BIG if grew else Why.BY_ITSELF)

    def _forget_words(self) -> None:
        """What libraries print in job after job would grow for ever."""
        with suppress(ValueError):  # it has just ended, and they are kept
            self._said.truncate(0)

    def _killed(self, why: Why) -> Ended:
        self.kill()
        return Ended(self._popen.wait(), why)

    @property
    def last_words(self) -> str:
        """The end of what it printed for its last job, once it has ended."""
        self._listener.join()
        return self._last_words

    def kill(self) -> None:
        """End it at once."""
        self._popen.kill()
        self._popen.wait()

    def dismiss(self) -> None:
        """Let it end by itself, soon."""
        self._close()

    def end(self, until: float) -> None:
        """Dismiss it, and kill it if it has not ended by ``until`` (of ``time.monotonic``).

        Another thread may be listening to it meanwhile.
        """
        self.dismiss()
        try:
            self._popen.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            self.kill()
        except BaseException:  # whoever is impatient
            self.kill()
            raise

    def _close(self) -> None:
        assert self._popen.stdin is not None
        with suppress(BrokenPipeError, ValueError):
            self._popen.stdin.close()

    def _bytes(self) -> int:
        try:
            return int(psutil.Process(self._popen.pid).memory_info().rss)
        except psutil.Error:  # it has just ended
            return 0

    def _listen(self) -> None:
        assert self._popen.stdout is not None
        with self._popen.stdout as lines:
            for line in lines:
                with suppress(ValueError):  # cut off by its end
                    self._answers.put(json.loads(line))
        self._close()
        self._popen.wait()
        with self._said as said:
            said.seek(max(0, said.seek(0, os.SEEK_END) - _TAIL))
            self._last_words = said.read().decode("utf-8", "replace").strip()
        self._answers.put(None)


def threads(count: int) -> dict[str, str]:
    """Variables of a worker whose libraries start that many threads."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    return dict.fromkeys(names, str(count))


def name_of(code: int) -> str:
    """What ended a process, as people know it; ``code`` is its exit code."""
    if code < 0:
        return signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    return f"exit code {code}"


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    """That of this process, without secrets."""
    kept = {name: value for name, value in os.environ.items() if not _SECRET.search(name)}
    return {**kept, **variables}
