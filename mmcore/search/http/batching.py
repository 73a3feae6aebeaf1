"""What comes one by one is answered some at a time: as many as wait when a thread is free.

Nobody is made to wait for others: under little load a batch is of one, and while a batch is
worked on the next one gathers.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import Empty, Full, Queue
from typing import Final, Generic, TypeVar

log = logging.getLogger(__name__)

A = TypeVar("A")
B = TypeVar("B")

Work = Callable[[Sequence[A]], Sequence[B | Exception]]
"""Answers each of some, in order; an exception is raised to who asked."""


class BusyError(Exception):
    """As many wait as may."""


class Batcher(Generic[A, B]):
    """Takes what waits, at most ``most`` at once, in some threads; safe to share among threads."""

    def __init__(
        self,
        work: Work[A, B],
        *,
        most: int = 32,
        waiting: int = 256,
        threads: int = 2,
        seen: Callable[[int], object] = lambda size: None,
    ) -> None:
        self._work, self._most, self._seen = work, most, seen
        self._queue: Queue[tuple[A, Future[B]] | None] = Queue(waiting)
        self._threads: Final = [
            threading.Thread(target=self._serve, name=f"batch-{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def ask(self, one: A) -> Future[B]:
        """What will hold the answer to ``one``; BusyError where too many wait."""
        future: Future[B] = Future()
        try:
            self._queue.put_nowait((one, future))
        except Full as error:
            raise BusyError from error
        return future

    @property
    def waiting(self) -> int:
        """How many nobody works on yet."""
        return self._queue.qsize()

    def close(self) -> None:
        """Answer what waits, and end the threads."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    def _serve(self) -> None:
        while (first := self._queue.get()) is not None:
            batch = [first]
            ending = False
            while len(batch) < self._most and not ending:
                try:
                    found = self._queue.get_nowait()
                except Empty:
                    break
                if found is None:
                    ending = True
                else:
                    batch.append(found)
            self._answer([one for one in batch if one[1].set_running_or_notify_cancel()])
            if ending:
                return

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
