"""What a person sees while a flow runs: bars on a terminal, plain lines in a log."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final, Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
)
from rich.table import Column
from rich.text import Text

from flows.orchestration.orchestrator import OUR_LOGGERS
from flows.terminal.chinese import stage as named
from flows.terminal.chinese import told
from mmcore.media.reasons import Language

log = logging.getLogger("flows.telling.progress")
FAILED: Final = "failed"
"""What a stage says of itself that an error ended."""

FAST = 10  # a second: slower is told with a digit behind the point
EVERY = 10.0  # seconds between two log lines of one stage
NOTE = 48  # characters of a note that stand beside a bar
_STARTED: Final[Mapping[Language, str]] = {"en": "%s: started%s", "zh": "%s：开始%s"}
_DONE: Final[Mapping[Language, str]] = {"en": "%s: done in %.1f s%s", "zh": "%s：完成，%.1f 秒%s"}


class Stages(Protocol):
    """Receives what happens; ``total`` is None where it cannot be known."""

    def begin(self, stage: str, total: int | None, unit: str) -> None:
        """A stage starts."""

    def advance(self, stage: str, count: int, share: float | None = None) -> None:
        """``count`` more are done; ``share``: of all its work, by which the time left is told."""

    def end(self, stage: str, note: str = "") -> None:
        """A stage is over; ``note`` says what came of it."""


class LogStages:
    """Plain lines through `logging`: when a stage starts, at most every 10 s, and when it ends."""

    def __init__(self, language: Language = "en") -> None:
        self._language = language
        self._state: dict[str, tuple[int, int | None, str, float, float]] = {}

    def begin(self, stage: str, total: int | None, unit: str) -> None:
        """Log the start."""
        now = time.monotonic()
        self._state[stage] = (0, total, unit, now, now)
        count = "" if total is None else f", {_of(total, unit)}"
        log.info(_STARTED[self._language], named(stage, self._language), count)

    def advance(self, stage: str, count: int, share: float | None = None) -> None:
        """Log count, rate and time left, unless that was done a moment ago."""
        done, total, unit, since, said = self._state[stage]
        now = time.monotonic()
        self._state[stage] = (done + count, total, unit, since, said)
        if now - said >= EVERY:
            self._state[stage] = (done + count, total, unit, since, now)
            log.info("%s: %s", stage, rate_line(done + count, total, unit, now - since, share))

    def end(self, stage: str, note: str = "") -> None:
        """Log the end with its seconds."""
        done, _, unit, since, _ = self._state.pop(stage)
        took = time.monotonic() - since
        note = note or (_of(done, unit) if unit else "")
        note = told(note, self._language)
        comma = "，" if self._language == "zh" else ", "
        log.info(
            _DONE[self._language],
            named(stage, self._language),
            took,
            f"{comma}{note}" if note else "",
        )


def rate_line(
    done: int, total: int | None, unit: str, seconds: float, share: float | None = None
) -> str:
    """``120 of 480 files, 12.0 files/s, 30 s left``; by ``share`` of the work where it is told."""
    rate = done / seconds if seconds > 0 else 0.0
    of = "" if total is None else f" of {total}"
    if share is None and total:
        share = done / total
    left = "" if not share else f", {seconds_left(seconds, share):.0f} s left"
    return f"{done}{of} {unit}, {rate:.1f} {unit}/s{left}"


def _of(count: int, unit: str) -> str:
    """``1 content``, ``20 contents``: units are plurals, with an s."""
    return f"{count} {unit.removesuffix('s') if count == 1 else unit}"


def seconds_left(seconds: float, share: float) -> float:
    """How long the rest takes, where ``share`` of the work took ``seconds``."""
    return seconds * (1 - share) / share


def shortened(note: str, most: int = NOTE) -> str:
    """The first parts of a note, between commas: one, and then as many as ``most`` allows."""
    first, *parts = note.split(", ")
    for part in parts:
        if len(first) + len(part) + 2 > most:
            break
        first = f"{first}, {part}"
    return first


class _Count(ProgressColumn):
    """``120/480``, or nothing where the total cannot be known."""

    def render(self, task: Task) -> Text:
        """See the class."""
        known = task.fields["counted"]
        text = f"{task.completed:,.0f}/{task.total:,.0f}" if known else ""
        return Text(text, style="progress.download", justify="right")


class _Time(ProgressColumn):
    """Seconds left while a stage runs, seconds taken once it is over."""

    def render(self, task: Task) -> Text:
        """See the class."""
        share, left = task.fields.get("share"), task.time_remaining
        if share and task.elapsed:
            left = seconds_left(task.elapsed, share)
        if task.finished or left is None:
            return Text(f"{task.finished_time or task.elapsed or 0:7.1f} s")
        return Text(f"{left:7.0f} s left", style="progress.remaining")


class BarStages:
    """One bar a stage on a terminal: counts, rate, time left."""

    def __init__(self, console: Console, language: Language = "en") -> None:
        self._language = language
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description:<12}"),
            BarColumn(bar_width=16),
            _Count(table_column=Column(no_wrap=True, min_width=13)),
            _Time(table_column=Column(no_wrap=True, min_width=14)),
            TextColumn("[dim]{task.fields[note]}", table_column=Column(no_wrap=True)),
            console=console,
        )
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> BarStages:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def begin(self, stage: str, total: int | None, unit: str) -> None:
        """Show a bar."""
        name = named(stage, self._language)
        self._bars[stage] = self._progress.add_task(
            name, total=total, unit=unit, note="", counted=total is not None
        )

    def advance(self, stage: str, count: int, share: float | None = None) -> None:
        """Move the bar."""
        bar = self._bars[stage]
        task = self._task(bar)
        done, unit = task.completed + count, task.fields["unit"]
        rate = done / task.elapsed if task.elapsed else 0.0
        note = f"{rate:.{0 if rate >= FAST else 1}f} {unit}/s"
        self._progress.update(bar, advance=count, note=note, share=share)

    def end(self, stage: str, note: str = "") -> None:
        """Fill the bar and leave it standing."""
        bar = self._bars.pop(stage)
        task = self._task(bar)
        total = task.total if task.total is not None else max(task.completed, 1)
        said = told(shortened(note), self._language) or task.fields["note"]
        self._progress.update(bar, total=total, completed=total, note=said)

    def _task(self, bar: TaskID) -> Task:
        return next(task for task in self._progress.tasks if task.id == bar)


@contextmanager
def log_lines(console: Console, language: Language = "en") -> Iterator[None]:
    """Within this block, what our loggers say goes to ``console``, and nowhere else on it.

    Where bars show the stages, only warnings do.
    """
    handler = _Lines(console, language)
    handler.setLevel(logging.WARNING if console.is_terminal else logging.INFO)
    loggers = [logging.getLogger(name) for name in OUR_LOGGERS]
    before = [(logger.level, logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False  # Prefect's handler on the root logger would say it again
    try:
        yield
    finally:
        for logger, (level, propagate) in zip(loggers, before, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
            logger.propagate = propagate


class _Told(logging.Formatter):
    """The time, and the message in a language."""

    def __init__(self, language: Language) -> None:
        super().__init__("%(asctime)s %(message)s", "%H:%M:%S")
        self._language = language

    def formatMessage(self, record: logging.LogRecord) -> str:
        """See the class."""
        record.message = told(record.message, self._language)
        return super().formatMessage(record)


class _Lines(logging.Handler):
    """Plain lines with the time; above the bars where there are any."""

    def __init__(self, console: Console, language: Language) -> None:
        super().__init__()
        self._console = console
        self.setFormatter(_Told(language))

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        style = "yellow" if record.levelno >= logging.WARNING else None
        self._console.print(
            self.format(record), style=style, markup=False, highlight=False, soft_wrap=True
        )


class Together:
    """Tells several what happens, one after the other."""

    def __init__(self, *all_of_them: Stages) -> None:
        self._all = all_of_them

    def begin(self, stage: str, total: int | None, unit: str) -> None:
        """Tell them that a stage starts."""
        for one in self._all:
            one.begin(stage, total, unit)

    def advance(self, stage: str, count: int, share: float | None = None) -> None:
        """Tell them that ``count`` more are done."""
        for one in self._all:
            one.advance(stage, count, share)

    def end(self, stage: str, note: str = "") -> None:
        """Tell them that a stage is over."""
        for one in self._all:
            one.end(stage, note)


_ACTIVE: ContextVar[Stages | None] = ContextVar("stages", default=None)
_ALSO: ContextVar[tuple[Stages, ...]] = ContextVar("more stages", default=())


@contextmanager
def reporting(stages: Stages) -> Iterator[None]:
    """Within this block, flows of this thread tell ``stages`` what they do."""
    token = _ACTIVE.set(stages)
    try:
        yield
    finally:
        _ACTIVE.reset(token)


@contextmanager
def also(stages: Stages) -> Iterator[None]:
    """Within this block, ``stages`` are told too, beside whoever is told already."""
    token = _ALSO.set((*_ALSO.get(), stages))
    try:
        yield
    finally:
        _ALSO.reset(token)


def active() -> Stages:
    """Who is told; a deployment, where nobody asked, gets log lines."""
    first, more = _ACTIVE.get() or LogStages(), _ALSO.get()
    return Together(first, *more) if more else first
