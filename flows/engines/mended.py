"""A pool of processes that survives the death of one: its shards are submitted to a new pool."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future as Settled
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from contextvars import Context, copy_context
from typing import Any, Final, Self

from prefect import Task
from prefect.task_runners import TaskRunner

from mmcore.errors import ClusterError

log = logging.getLogger(__name__)

TRIES: Final = 3
"""Pools that may break under a task before it is given up, as workers of Dask may die of one."""


class Mended:
    """A task runner of processes, and another one each time that one of its processes dies.

    A pool ends whole when one process of it does (``BrokenProcessPool``), with all that was
    submitted. Shards are idempotent, so these are submitted again, each as a new task run.

    Args:
        make: makes a task runner of a pool that was not used yet.
    """

    def __init__(self, make: Callable[[], TaskRunner[Any]]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._pool: TaskRunner[Any] | None = None
        self._ended = False

    def __enter__(self) -> Self:
        self._pool = self._stack.enter_context(self._make())
        return self

    def __exit__(self, *failure: object) -> None:
        with self._lock:
            self._ended = True
        self._stack.__exit__(*failure)  # type: ignore[arg-type]

    def submit(self, task: Task[..., Any], parameters: dict[str, Any]) -> Submitted:
        """Let ``task`` run in a process, and again in another one if that dies."""
        return Submitted(self, task, parameters)

    def pool(self, broken: TaskRunner[Any] | None = None) -> TaskRunner[Any]:
        """The pool in use; if that is the ``broken`` one, a new one in its place.

        Broken pools are closed with the last one, since this may be called by a thread of theirs.
        """
        with self._lock:
            if self._pool is None:
                raise RuntimeError("nothing may be submitted before the context was entered")
            if self._pool is broken and not self._ended:
                log.warning("a worker process died: its pool is made anew")
                self._pool = self._stack.enter_context(self._make())
            return self._pool


class Submitted:
    """A task that was submitted, perhaps several times; a future to those who wait for it."""

    def __init__(self, pools: Mended, task: Task[..., Any], parameters: dict[str, Any]) -> None:
        self._pools, self._task, self._parameters = pools, task, parameters
        self._context: Context = copy_context()  # of the flow run, for threads without one
        self._settled: Settled[Any] = Settled()
        self._tries = 0
        self._submit(pools.pool())

    def result(self) -> Any:
        """Wait for it; raises its failure, ClusterError when processes died of it."""
        return self._settled.result().result()

    def add_done_callback(self, fn: Callable[[Any], None], /) -> None:
        """Call ``fn`` with this when it is done, for good."""
        self._settled.add_done_callback(lambda _: fn(self))

    def _submit(self, pool: TaskRunner[Any]) -> None:
        self._tries += 1
        try:
            future = self._context.copy().run(pool.submit, self._task, self._parameters)
        except Exception as error:  # noqa: BLE001 - it is raised to who asks for the result
            self._settled.set_exception(error)
            return
        future.add_done_callback(lambda ended: self._heard(pool, ended))

    def _heard(self, pool: TaskRunner[Any], future: Any) -> None:
        """It ended, or its pool did."""
        if not isinstance(_broken(future), BrokenProcessPool):
            self._settled.set_result(future)
        elif self._tries >= TRIES:
            why = f"died {TRIES} times at {self._task.name} of {_name(self._parameters)}"
            self._settled.set_exception(ClusterError("processes of --engine processes", why))
        else:
            self._submit(self._pools.pool(pool))


def _broken(future: Any) -> BaseException | None:
    """What became of the process; a failure of the task itself is in the state that it returns."""
    wrapped = future.wrapped_future
    return None if wrapped.cancelled() else wrapped.exception()


def _name(parameters: dict[str, Any]) -> str:
    """What a person finds the shard by."""
    told = parameters.get("shard") or parameters.get("span")
    return str(getattr(told, "name", "a shard"))
