"""The setting `engine`: where the tasks of a flow run, by a task runner of Prefect."""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import AbstractContextManager
from importlib.util import find_spec
from typing import Any, Literal, Protocol, assert_never

from prefect import Task
from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner, ThreadPoolTaskRunner

from flows.engines.mended import Mended
from flows.engines.window import Future
from flows.orchestration.orchestrator import quiet_runs
from flows.orchestration.repeating import REPEATING
from flows.orchestration.unrecorded import Once
from mmcore.errors import ConfigError, MissingExtraError

Engine = Literal["threads", "processes", "dask"]


class Runner(Protocol):
    """What a flow asks of an engine; the task runners of Prefect have it."""

    def submit(self, task: Task[..., Any], parameters: dict[str, Any], /) -> Future[Any]:
        """Let a task run, now or when a worker is free."""


def task_runner(engine: Engine, workers: int) -> AbstractContextManager[Runner]:
    """The runner of ``engine`` with ``workers`` workers of this machine, while a block lasts.

    Each worker is at one task at a time.
    """
    if workers < 1:
        raise ConfigError(f"workers must be at least 1, not {workers}")
    match engine:
        case "threads":
            return ThreadPoolTaskRunner(max_workers=workers)
        case "processes":
            return Mended(lambda: _processes(workers))
        case "dask":
            return _dask(workers)
        case _:
            assert_never(engine)


def _processes(workers: int) -> TaskRunner[Any]:
    return ProcessPoolTaskRunner(
        max_workers=workers, initializer=begin_child, initargs=(os.getpid(),)
    )


def require_dask() -> None:
    """Raise MissingExtraError where the extra is not installed."""
    if find_spec("prefect_dask") is None:
        raise MissingExtraError("the engine 'dask'", "dask")


def _dask(workers: int) -> TaskRunner[Any]:
    """Make a runner with a cluster of its own, that lives as long as the flow run.

    A lasting scheduler grows with each run (PrefectHQ/prefect#21697). A worker that dies is
    replaced, and its tasks run elsewhere; Dask gives up a task of which four died.
    """
    require_dask()
    from prefect_dask.task_runners import DaskTaskRunner  # noqa: PLC0415 (an extra)

    cluster = {
        "n_workers": workers,
        "threads_per_worker": 1,
        "dashboard_address": "127.0.0.1:0",  # None takes 8787 all the same, of every run
        "preload": [__name__],  # each worker calls `dask_setup`
    }
    runner: TaskRunner[Any] = DaskTaskRunner(cluster_kwargs=cluster)
    return runner


def dask_setup(worker: object) -> None:
    """Prepare a worker of Dask, which looks for a function of this name: it logs as we do."""
    quiet_runs()


def begin_child(parent: int) -> None:
    """Prepare a process of a pool: it logs as its parent does, and ends with it."""
    quiet_runs()
    for logger in map(logging.getLogger, REPEATING):
        logger.addFilter(Once())
    end_with(parent)


def end_with(parent: int, *, every: float = 1.0) -> None:
    """Let this process end when its parent does: a pool's children outlive a killed parent."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(every)
        os._exit(1)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()
