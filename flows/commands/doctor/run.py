"""Run checks in worker processes, each with a time limit: whatever hangs, an answer comes."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Final

import psutil

from flows.commands.doctor.asked import Asked
from flows.commands.doctor.worker import OF_LAKE
from mmcore.inspection.machine.checked import Checked
from mmcore.processes.process import Ended, Process, Why, name_of

LIMIT: Final = 30.0
"""Seconds that a check may take; a large file of weights or a slow disk takes some of them."""

GROUPS: Final[Mapping[str, Sequence[str]]] = {
    "machine": (
        *("python", "system", "cores", "memory", "open-files", "environment", "packages"),
    ),
    "disks": ("disk-tmp", "disk-cache", "disk-prefect"),
    "models": ("torch", "device", "weights"),
    "libraries": ("faiss", "pyarrow", "ffmpeg", "jieba", "decoders", "fonts"),
    "prefect": ("prefect", "server", "pools", "late"),
    "lake": tuple(OF_LAKE),
}
"""What is checked by one process, one after the other; groups run at once."""

_WORKER: Final = "flows.commands.doctor.worker"
_GRACE: Final = 5.0
"""Seconds beyond the limit after which a group is given up: its process cannot even be killed."""

_GIVEN_UP: Final = frozenset(
    {"unreachable", "refused", "timed-out", "died", "lake-missing", "lake-file"}
)
"""After one of these a lake is not asked again: it would be the same, and take as long."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a check found, with the group that it belongs to."""

    group: str
    found: Checked


def examined(
    asked: Asked, groups: Mapping[str, Sequence[str]] = GROUPS, limit: float = LIMIT
) -> Iterator[Told]:
    """What all checks find, by group in order; the last comes some time after the others."""
    wanted = {
        group: checks
        for group, checks in groups.items()
        if asked.lake is not None or not set(checks) <= set(OF_LAKE)
    }
    running = {group: _Group(checks, asked, limit) for group, checks in wanted.items()}
    try:
        for group, one in running.items():
            yield from (Told(group, found) for found in one.found())
    finally:
        for one in running.values():
            one.end()


class _Group:
    """Checks of one process; a new one goes on after a check that was ended."""

    def __init__(self, checks: Sequence[str], asked: Asked, limit: float) -> None:
        self._checks, self._asked, self._limit = checks, asked, limit
        self._done: SimpleQueue[list[Checked]] = SimpleQueue()
        self._process: Process | None = None
        self._ended = False
        threading.Thread(target=self._run, daemon=True).start()

    def found(self) -> Iterator[Checked]:
        """What each check found; where even killing hangs, that the rest took too long."""
        for number, _ in enumerate(self._checks):
            try:
                yield from self._done.get(timeout=self._limit + _GRACE)
            except Empty:
                for check in self._checks[number:]:
                    yield _late(check, self._limit)
                return

    def _run(self) -> None:
        given_up = False
        for check in self._checks:
            found = [] if given_up or self._ended else self._checked(check)
            given_up |= check in OF_LAKE and any(one.said in _GIVEN_UP for one in found)
            self._done.put(found)
        if self._process is not None:
            self._process.dismiss()

    def _checked(self, check: str) -> list[Checked]:
        if self._process is None or not self._process.alive:
            self._process = Process(_WORKER, dict(os.environ))  # with secrets: stores ask for them
        self._process.ask({"check": check, "asked": self._asked.to_json()})
        answer = self._process.hear(time.monotonic() + self._limit)
        if not isinstance(answer, Ended):
            return [Checked(**one) for one in answer["finished"]]
        if answer.why is Why.SILENT:
            return [_late(check, self._limit)]
        facts = {"subject": check, "how": name_of(answer.code)}
        return [Checked(check, "fail", "died", facts)]

    def end(self) -> None:
        """Leave no process behind, as far as the system lets it be ended; waits for nothing."""
        self._ended = True
        if self._process is not None and self._process.alive:
            with suppress(psutil.Error):
                psutil.Process(self._process.number).kill()


def _late(check: str, limit: float) -> Checked:
    return Checked(check, "fail", "timed-out", {"subject": check, "seconds": round(limit)})
