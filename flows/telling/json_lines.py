"""Logs for machines: a line of JSON for each thing that is said, where a setting wants that.

``MMINDEX_LOG_JSON`` names the file, which lines are appended to; ``-`` is the standard error.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from logging.handlers import WatchedFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flows.orchestration.orchestrator import OUR_LOGGERS
from flows.telling.progress import EVERY, FAILED, also

if TYPE_CHECKING:  # what it reads a lake with takes long to load, and `on_stderr` is asked first
    from flows.orchestration.run import Run

log = logging.getLogger(__name__)

VARIABLE: Final = "MMINDEX_LOG_JSON"
OF_PREFECT: Final = ("prefect.flow_runs", "prefect.task_runs")
PLAIN: Final = "flows.telling.progress"
"""Says the stages in words; here they are events."""


def on_stderr() -> bool:
    """Whether the standard error is for machines: then nothing else is said there."""
    return os.environ.get(VARIABLE) == "-"


@contextmanager
def written(run: Run, facts: Mapping[str, Any] | None = None) -> Iterator[JsonLog | None]:
    """Within, what our loggers and the stages say is written as lines; None where none are wanted.

    Each has the flow, the lake and ``facts``. A file that cannot be written is a warning.
    """
    target = os.environ.get(VARIABLE)
    if not target:
        yield None
        return
    try:
        handler = _handler(target)
    except OSError as error:
        log.warning("%s=%s: no lines are written: %s", VARIABLE, target, error.strerror)
        yield None
        return
    handler.setFormatter(_Lines({"flow": run.flow, "lake": run.lake, **(facts or {})}))
    handler.addFilter(_wanted)
    lines = JsonLog(handler)
    try:
        with _attached(handler), also(lines):
            yield lines
    finally:
        handler.close()


def _handler(target: str) -> logging.Handler:
    if target == "-":
        return logging.StreamHandler(sys.stderr)
    return WatchedFileHandler(Path(target).expanduser(), encoding="utf-8")  # may be rotated away


def _wanted(record: logging.LogRecord) -> bool:
    """Ours from INFO on, and what Prefect warns of: that a task is tried again, say."""
    of_prefect = record.name.startswith("prefect.")
    return record.name != PLAIN and not (of_prefect and record.levelno < logging.WARNING)


@contextmanager
def _attached(handler: logging.Handler) -> Iterator[None]:
    before = {}
    for name in (*OUR_LOGGERS, *OF_PREFECT):
        logger = logging.getLogger(name)
        before[logger] = logger.level
        if name in OUR_LOGGERS and logger.getEffectiveLevel() > logging.INFO:
            logger.setLevel(logging.INFO)
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger, level in before.items():
            logger.removeHandler(handler)
            logger.setLevel(level)


class _Lines(logging.Formatter):
    """A record as one line of JSON; of an error its kind, never its traceback."""

    def __init__(self, facts: Mapping[str, Any]) -> None:
        super().__init__()
        self._facts = dict(facts)

    def format(self, record: logging.LogRecord) -> str:
        """See the class."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        told = {
            "time": when.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            **self._facts,
            "message": record.getMessage(),
            **getattr(record, "mmindex", {}),
        }
        if record.exc_info and record.exc_info[0]:
            told["error"] = record.exc_info[0].__name__
        return json.dumps(told, ensure_ascii=False, default=str)


class JsonLog:
    """Writes events: of stages, as `Stages`, and whatever else it is told."""

    def __init__(self, handler: logging.Handler) -> None:
        self._handler = handler
        self._open: dict[str, list[Any]] = {}  # total, unit, began, done, said at

    def event(self, name: str, message: str, level: int = logging.INFO, **facts: Any) -> None:
        """One event with its facts."""
        record = logging.LogRecord("flows", level, "", 0, message, None, None)
        record.mmindex = {"event": name, **facts}
        self._handler.handle(record)

    def begin(self, stage: str, total: int | None, unit: str) -> None:
        """A stage starts."""
        now = time.monotonic()
        self._open[stage] = [total, unit, now, 0, now]
        self.event("stage-began", f"{stage}: started", stage=stage, total=total, unit=unit)

    def advance(self, stage: str, count: int, share: float | None = None) -> None:
        """``count`` more are done: said every ten seconds at most."""
        bar, now = self._open[stage], time.monotonic()
        bar[3] += count
        if now - bar[4] >= EVERY:
            bar[4] = now
            self._of_stage("stage-progress", f"{stage}: under way", stage, bar)

    def end(self, stage: str, note: str = "") -> None:
        """A stage is over."""
        bar, failed = self._open.pop(stage), note == FAILED
        how = FAILED if failed else "done"
        self._of_stage("stage-ended", f"{stage}: {how}", stage, bar, note=note, failed=failed)

    def _of_stage(self, name: str, message: str, stage: str, bar: list[Any], **facts: Any) -> None:
        total, unit, began, done, _ = bar
        seconds = round(time.monotonic() - began, 3)
        counted = {"total": total, "unit": unit, "done": done, "seconds": seconds}
        self.event(name, message, stage=stage, **counted, **facts)
