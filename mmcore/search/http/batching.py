"""What comes one by one is answered some at a time: as many as wait when a thread is free.

Nobody is made to wait for others: under little load a batch is of one, and while a batch is
worked on the next one gathers.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

A = TypeVar("A")
B = TypeVar("B")

Work = Callable[[Sequence[A]], Sequence[B | Exception]]
"""Answers each of some, in order; an exception is raised to who asked."""


class BusyError(Exception):
    """As many wait as may."""


@dataclass(frozen=True, slots=True)
class Weight(Generic[A]):
    """How much work each asks for, and how much a batch may that is of more than one."""

    of: Callable[[A], int]
    most: int


class Batcher(Generic[A, B]):
    """Takes what waits, at most ``most`` at once, in some threads; safe to share among threads.

    ``weight`` bounds how long a batch takes. What nobody waits for any more (its future is
    cancelled) is not worked on.
    """

    def __init__(
        self,
        work: Work[A, B],
        *,
        most: int = 32,
        waiting: int = 256,
        threads: int = 2,
        weight: Weight[A] | None = None,
        seen: Callable[[int], object] = lambda size: None,
    ) -> None:
        self._work, self._most, self._seen = work, most, seen
        self._weight = weight or Weight(lambda one: 1, most)
        self._waiting, self._closed = waiting, False
        self._queue: deque[tuple[A, Future[B]]] = deque()
        self._changed = threading.Condition()
        self._threads: Final = [
            threading.Thread(target=self._serve, name=f"batch-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def ask(self, one: A) -> Future[B]:
        """What will hold the answer to ``one``; BusyError where too many wait, or it is closed."""
        future: Future[B] = Future()
        with self._changed:
            if self._closed or self._full():
                raise BusyError
            self._queue.append((one, future))
            self._changed.notify()
        return future

    @property
    def waiting(self) -> int:
        """How many nobody works on yet."""
        return len(self._queue)

    def close(self, within: float = 10.0) -> None:
        """Answer what waits, and end the threads; what takes longer than that is given up."""
        until = time.monotonic() + within
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))
        with self._changed:
            for _, future in self._queue:
                future.cancel()
            self._queue.clear()

    def _full(self) -> bool:
        """Whether as many wait as may, without those that nobody waits for any more."""
        if len(self._queue) >= self._waiting:
            self._queue = deque(one for one in self._queue if not one[1].cancelled())
        return len(self._queue) >= self._waiting

    def _serve(self) -> None:
        while batch := self._gathered():
            self._answer([one for one in batch if one[1].set_running_or_notify_cancel()])
            batch.clear()  # what it was of may be erased while this thread waits

    def _gathered(self) -> list[tuple[A, Future[B]]]:
        """What waits, as much as one batch takes; nothing once this is closed and all is done."""
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._closed)
            batch: list[tuple[A, Future[B]]] = []
            weight = 0
            while self._queue and len(batch) < self._most:
                weight += self._weight.of(self._queue[0][0])
                if batch and weight > self._weight.most:
                    break
                batch.append(self._queue.popleft())
            return batch

    def _answer(self, batch: Sequence[tuple[A, Future[B]]]) -> None:
        if not batch:
            return
        self._seen(len(batch))
        answers: Sequence[B | Exception]
        try:
            answers = self._work([one for one, _ in batch])
        except Exception as error:  # noqa: BLE001 - each who asked is told
            answers = [error] * len(batch)
        for (_, future), answer in zip(batch, answers, strict=True):
            if isinstance(answer, Exception):
                future.set_exception(answer)
            else:
                future.set_result(answer)
