"""The worker processes of this process: as many as decode at once, kept for the next shard."""

from __future__ import annotations

import atexit
import math
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from mmcore.processes.cores import cores
from mmcore.processes.process import IDLE_CODE, Ended, Process, threads

_WORKER: Final = "mmcore.decoding.worker"


class Pool:
    """Idle workers; one is borrowed for a while, or made. At most ``most`` are out at once.

    More than there are cores decode no faster, and take memory each. They share the cores among
    them, a thread each; and sums of one thread are always the same.
    """

    def __init__(self, most: int | None = None, module: str = _WORKER) -> None:
        self._module = module
        self._out = threading.BoundedSemaphore(most or cores())
        self._lock = threading.Lock()
        self._idle: list[Process] = []
        self._owner = os.getpid()

    @contextmanager
    def borrowed(self) -> Iterator[Process]:
        """A worker for the caller alone; it comes back unless it has ended or an error came.

        Waits where all are out.
        """
        with self._out:
            yield from self._one()

    @contextmanager
    def asked(
        self, job: Mapping[str, Any], seconds: float, most_bytes: float = math.inf
    ) -> Iterator[tuple[Process, Mapping[str, Any] | Ended]]:
        """A worker that was given ``job``, with its first answer, or how it ended before that.

        It has ``seconds`` for that, and ``most_bytes`` of memory. One that had just ended because
        nobody asked it for a while is no failure of the job: another one is asked.
        """
        while True:
            with self.borrowed() as worker:
                worker.ask(job)
                first = worker.hear(time.monotonic() + seconds, most_bytes)
                if isinstance(first, Ended) and first.code == IDLE_CODE:
                    continue
                yield worker, first
                return

    def _one(self) -> Iterator[Process]:
        worker = self._taken() or Process(self._module, threads(1))
        try:
            yield worker
        except BaseException:
            worker.kill()
            raise
        if worker.alive:
            with self._lock:
                self._idle.append(worker)

    def close(self) -> None:
        """Dismiss the idle ones."""
        with self._lock:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.dismiss()

    def _taken(self) -> Process | None:
        with self._lock:
            if self._owner != os.getpid():  # after a fork: they are not ours
                self._owner, self._idle = os.getpid(), []
            while self._idle:
                worker = self._idle.pop()
                if worker.alive:
                    return worker
        return None


POOL: Final = Pool()
"""The pool of this process."""

atexit.register(POOL.close)
