"""Bounds the shards in flight: preprocessing runs ahead of embedding, not away from it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from queue import SimpleQueue
from typing import Any, Generic, Protocol, TypeVar

T = TypeVar("T")
A = TypeVar("A")
B = TypeVar("B")
R_co = TypeVar("R_co", covariant=True)


class Future(Protocol[R_co]):
    """What a window asks of a future; Prefect's and those of `concurrent.futures` have it."""

    def result(self) -> R_co:
        """Return the result or raise the failure."""

    def add_done_callback(self, fn: Callable[[Any], None], /) -> None:
        """Call ``fn`` with the future when it is done, from whatever thread."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much what the first stage made may take until the second has done with it.

    ``weigh`` says what one takes. What is under way in the first stage counts as much as the
    largest so far; if nothing is under way, one input may be larger than ``most``.
    """

    most: int
    weigh: Callable[[Any], int]


def flow_through(
    inputs: Iterable[T],
    first: Callable[[T], Future[A]],
    second: Callable[[T, A], Future[B]],
    *,
    ahead: int,
    at_once: int | None = None,
    room: Room | None = None,
) -> Iterator[B]:
    """Put ``inputs`` through two stages and yield the results of the second as they complete.

    At most ``ahead`` inputs are under way, from the call of ``first`` to the result of ``second``.
    ``second`` is called with an input and the result of its first stage once that is there, so no
    worker waits for a first stage; at most ``at_once`` second stages run or queue, so no workers
    are held by what waits for a device; and what waits or is in the second stage takes no more
    than ``room``. The first failure ends the calls; what was submitted is let finish, and the
    failure is raised as it is.
    """
    if ahead < 1 or (at_once is not None and at_once < 1):
        raise ValueError(f"ahead={ahead}, at_once={at_once}: each must be at least 1")
    window = _Window(first, second, ahead, at_once or ahead)
    if room is not None:
        window.room = room
    try:
        yield from window.results(iter(inputs))
    except (Exception, GeneratorExit):
        window.let_finish()
        raise


class _Window(Generic[T, A, B]):
    """The inputs under way: submitted to one of the stages, or between them."""

    def __init__(
        self,
        first: Callable[[T], Future[A]],
        second: Callable[[T, A], Future[B]],
        ahead: int,
        at_once: int,
    ) -> None:
        self.first, self.second, self.ahead, self.at_once = first, second, ahead, at_once
        self.done: SimpleQueue[tuple[T, Future[A] | None, Future[B] | None, int]] = SimpleQueue()
        self.between: deque[tuple[T, A, int]] = deque()
        self.running_first = self.running_second = 0
        self.room: Room | None = None
        self.held = self.largest = 0  # of what the first stage made

    def results(self, inputs: Iterator[T]) -> Iterator[B]:
        """Keep the stages busy until nothing is under way."""
        self.submit(inputs)
        while self.running_first or self.running_second:
            item, prepared, finished = self.wait()
            if prepared:
                self.hold(item, prepared.result())
            self.submit(inputs)
            if finished:
                yield finished.result()

    def hold(self, item: T, made: A) -> None:
        """Keep what the first stage made until the second takes it."""
        weight = self.room.weigh(made) if self.room else 0
        self.held += weight
        self.largest = max(self.largest, weight)
        self.between.append((item, made, weight))

    def submit(self, inputs: Iterator[T]) -> None:
        """Fill both stages up to their bounds; the second comes first, since it frees inputs."""
        while self.between and self.running_second < self.at_once:
            item, made, weight = self.between.popleft()
            self.submit_second(item, self.second(item, made), weight)
        for item in islice(inputs, self.free()):
            self.submit_first(item, self.first(item))

    def free(self) -> int:
        """How many inputs may be begun now."""
        under_way = self.running_first + self.running_second + len(self.between)
        free = self.ahead - under_way
        if self.room is None or self.largest == 0:
            return free
        fit = (self.room.most - self.held) // self.largest - self.running_first
        return max(0, min(free, fit if under_way else max(1, fit)))

    def submit_first(self, item: T, future: Future[A]) -> None:
        """Count a first stage as running, and hear of its end."""
        self.running_first += 1
        future.add_done_callback(lambda _: self.done.put((item, future, None, 0)))

    def submit_second(self, item: T, future: Future[B], weight: int) -> None:
        """Count a second stage as running, and hear of its end."""
        self.running_second += 1
        future.add_done_callback(lambda _: self.done.put((item, None, future, weight)))

    def wait(self) -> tuple[T, Future[A] | None, Future[B] | None]:
        """Wait for the next stage to end, well or not."""
        item, prepared, finished, weight = self.done.get()
        if prepared:
            self.running_first -= 1
        else:
            self.running_second -= 1
            self.held -= weight
        return item, prepared, finished

    def let_finish(self) -> None:
        """Wait for all that runs, whatever comes of it."""
        while self.running_first or self.running_second:
            self.wait()
