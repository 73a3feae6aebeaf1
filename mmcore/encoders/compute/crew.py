"""An engine's calls shared out to the cores: some inputs each, by threads that take one each."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import numpy as np

from mmcore.encoders.compute.device import one_thread
from mmcore.processes.cores import cores
from mmcore.types import Vectors

A = TypeVar("A")


class Crew:
    """As many threads as there are cores, for all who call an engine; safe to share among them.

    Each keeps the OpenMP regions of ``library`` (of ctypes) to itself. So nobody waits at the end
    of each region for a thread that another process took the core from, and none has to be woken:
    32 captions took a fifth less time than with OpenMP's own threads (benchmarks/RESULTS.md).
    """

    def __init__(self, library: Any, threads: int | None = None) -> None:
        self._count: Final = threads or cores()
        self._pool: Final = ThreadPoolExecutor(
            self._count, "engine", initializer=one_thread, initargs=(library,)
        )
        self._lock: Final = threading.Lock()
        self._calls = 0

    @property
    def idle(self) -> bool:
        """Whether nobody's call is under way."""
        return self._calls == 0

    def rows(self, work: Callable[[Sequence[A]], Vectors], of: Sequence[A], most: int) -> Vectors:
        """The rows (n, d) that ``work`` gives for n inputs, at least one, ``most`` at a time.

        Fewer where there would be none for some core. After an error what has not begun is left.
        """
        some = min(most, -(-len(of) // self._count))
        parts = [of[start : start + some] for start in range(0, len(of), some)]
        with self._under_way():
            return np.concatenate([*self._pool.map(work, parts)])

    def by_caller(self, work: Callable[[Sequence[A]], Vectors], of: Sequence[A]) -> Vectors:
        """The same in the caller's thread, at once: its regions take all cores."""
        with self._under_way():
            return work(of)

    @contextmanager
    def _under_way(self) -> Iterator[None]:
        with self._lock:
            self._calls += 1
        try:
            yield
        finally:
            with self._lock:
                self._calls -= 1
