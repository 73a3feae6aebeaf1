"""What models did: batches, rows and seconds, for whoever watches a stage."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final


def untold(rows: int) -> None:
    """Nobody listens."""


@dataclass(slots=True)
class Meter:
    """Counts while it is watched: ``batches`` has how many there were of each number of rows.

    ``told`` hears after each batch how many rows there were until then.
    """

    told: Callable[[int], None] = untold
    batches: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0  # in the model, and with copies to and from its device
    halved: int = 0  # batches for which the device had no memory
    settled: int | None = None  # rows of a batch at most since the last of them

    @property
    def rows(self) -> int:
        """Rows of all batches."""
        return sum(size * count for size, count in self.batches.items())


_WATCHED: Final[ContextVar[Meter | None]] = ContextVar("meter", default=None)


@contextmanager
def metered(told: Callable[[int], None] = untold) -> Iterator[Meter]:
    """Within this block, batches of this thread are counted in the meter that it yields."""
    meter = Meter(told)
    token = _WATCHED.set(meter)
    try:
        yield meter
    finally:
        _WATCHED.reset(token)


@contextmanager
def working() -> Iterator[None]:
    """The seconds of this block are a model's."""
    started = time.perf_counter()
    try:
        yield
    finally:
        if (meter := _WATCHED.get()) is not None:
            meter.seconds += time.perf_counter() - started


def ran(rows: int) -> None:
    """A batch of ``rows`` went through a model."""
    if (meter := _WATCHED.get()) is not None:
        meter.batches[rows] += 1
        meter.told(meter.rows)


def halved(most: int) -> None:
    """A batch did not fit: from now on they have ``most`` rows."""
    if (meter := _WATCHED.get()) is not None:
        meter.halved += 1
        meter.settled = most
