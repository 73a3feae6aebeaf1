"""What models did: batches, rows and seconds, for whoever watches a stage."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final


@dataclass(slots=True)
class Meter:
    """Counts while it is watched: ``batches`` has how many there were of each number of rows."""

    device: str = ""
    batches: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0  # in the model, and with copies to and from its device
    halved: int = 0  # batches for which the device had no memory
    settled: int | None = None  # rows of a batch at most since the last of them

    @property
    def rows(self) -> int:
        """Rows of all batches."""
        return sum(size * count for size, count in self.batches.items())


class _Clock:
    """A device's seconds, which go by half as fast for each of two that are at work on it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen, self._seconds, self._working = 0.0, 0.0, 0

    def moved(self, more: int) -> float:
        """The seconds now, when ``more`` begin to work than did until now."""
        with self._lock:
            now = time.perf_counter()
            if self._working:
                self._seconds += (now - self._seen) / self._working
            self._seen, self._working = now, self._working + more
            return self._seconds


_lock: Final = threading.Lock()
_clocks: Final[dict[str, _Clock]] = {}
_WATCHED: Final[ContextVar[Meter | None]] = ContextVar("meter", default=None)


@contextmanager
def metered(device: str = "") -> Iterator[Meter]:
    """Within this block, batches of this thread are counted in the meter that it yields.

    Seconds in which several meters of one ``device`` are at work are shared among them.
    """
    meter = Meter(device)
    token = _WATCHED.set(meter)
    try:
        yield meter
    finally:
        _WATCHED.reset(token)


@contextmanager
def working() -> Iterator[None]:
    """The seconds of this block are a model's."""
    meter = _WATCHED.get()
    if meter is None:
        yield
        return
    with _lock:
        clock = _clocks.setdefault(meter.device, _Clock())
    started = clock.moved(1)
    try:
        yield
    finally:
        meter.seconds += clock.moved(-1) - started


def ran(rows: int) -> None:
    """A batch of ``rows`` went through a model."""
    if (meter := _WATCHED.get()) is not None:
        meter.batches[rows] += 1


def halved(most: int) -> None:
    """A batch did not fit: from now on they have ``most`` rows."""
    if (meter := _WATCHED.get()) is not None:
        meter.halved += 1
        meter.settled = most
