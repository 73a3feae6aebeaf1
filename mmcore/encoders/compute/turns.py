"""Calls of one engine that share the cores: a long one alone takes all, others one thread each."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from mmcore.processes.cores import cores


class Turns:
    """As many calls at once as there are cores; safe to share among threads."""

    def __init__(self, most: int | None = None) -> None:
        self._places: Final = threading.BoundedSemaphore(most or cores())
        self._lock: Final = threading.Lock()
        self._under_way = 0

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Hold a place, waiting for one where there is none; says whether no other is held."""
        with self._places:
            with self._lock:
                alone = not self._under_way
                self._under_way += 1
            try:
                yield alone
            finally:
                with self._lock:
                    self._under_way -= 1


@contextmanager
def in_threads(library: Any, *, every: bool) -> Iterator[None]:
    """Let OpenMP regions that this thread enters in ``library`` run in one thread, or in all.

    All: as many as the environment says, as it is without this. ``library``: of ctypes; one that
    was built without OpenMP has no threads.
    """
    told = getattr(library, "omp_get_max_threads", None)
    if every or told is None:
        yield
        return
    most = told()
    library.omp_set_num_threads(1)
    try:
        yield
    finally:
        library.omp_set_num_threads(most)
