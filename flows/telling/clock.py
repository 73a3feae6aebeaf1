"""The stages of one run: told to whoever watches, timed for the result."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from flows.config.index import StageWork
from flows.telling import progress
from mmcore.memory import give_back


class Clock:
    """Tells a stage to the progress display; keeps its seconds, and what devices did."""

    def __init__(self) -> None:
        self.started = datetime.now(UTC)
        self.seconds: dict[str, float] = {}
        self.work: dict[str, StageWork] = {}  # of the stages that embed, by encoder
        self.waiting = 0  # files that were written a moment ago, and wait for the next run
        self._stages = progress.active()

    @contextmanager
    def stage(self, name: str, total: int | None = None, unit: str = "") -> Iterator[list[str]]:
        """Run a stage; what is put into the yielded list becomes its closing note."""
        started = time.monotonic()
        note: list[str] = []
        self._stages.begin(name, total, unit)
        try:
            yield note
        except BaseException:
            self._stages.end(name, progress.FAILED)
            raise
        give_back()
        self.seconds[name] = round(time.monotonic() - started, 3)
        self._stages.end(name, ", ".join(note))

    def advance(self, name: str, count: int, share: float | None = None) -> None:
        """``count`` more of the stage are done; ``share``: of its work, where counts tell less."""
        self._stages.advance(name, count, share)

    def told_work(self) -> dict[str, dict[str, Any]]:
        """``work`` as JSON-like values."""
        return {name: work.model_dump(mode="json") for name, work in self.work.items()}
