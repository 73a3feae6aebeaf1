"""Large indexes are filled in shards: each is a task run, on whatever engine the flow has."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import psutil
from prefect import Task, task

from mmcore.memory import give_back
from mmcore.processes.cores import cores
from storage.indexes.choosing.filling import Filling
from storage.indexes.sharding.sharded import Sharded, Span, fill_span
from storage.places.place import is_local
from tasks.discretion import discreet
from tasks.policies import POLICY
from tasks.workplace import Workplace


class Future(Protocol):
    """A task run that was submitted."""

    def result(self) -> Any:
        """Wait for it; raises its failure."""


class Runner(Protocol):
    """What is asked of a task runner of Prefect."""

    def submit(self, task: Task[..., Any], parameters: dict[str, Any]) -> Future:
        """Let a task run, now or when a worker is free."""


@dataclass(frozen=True, slots=True)
class Sharding:
    """How large indexes are filled.

    Args:
        rows: of a shard; an index of no more is filled at once, in the flow's own process.
        workers: shards that are filled at a time.
        runner: makes a task runner of so many workers, open while shards are filled.
    """

    rows: int
    workers: int
    runner: Callable[[int], AbstractContextManager[Runner]]

    def filling(self, work: Workplace, folder: Path) -> Filling:
        """Fills the indexes that are built in ``folder``, which has their vectors.

        Lists that take more than half of the memory that is free stay on disk, where the lake can
        map them.
        """
        mappable = is_local(work.lake.root) and str(work.lake.root).isascii()
        room = psutil.virtual_memory().available // 2 if mappable else None
        return Sharded(folder, self.rows, partial(self.fill_all, work), room)

    def fill_all(self, work: Workplace, spans: Sequence[Span]) -> None:
        """Fill the spans that are not filled, each by a task run; the cores are shared out.

        The first failure is raised; what is filled by then is kept.
        """
        left = [span for span in spans if not span.path.exists()]
        if not left:
            return
        at_once = min(self.workers, len(left))
        threads = max(1, (work.runtime.threads or cores()) // at_once)
        told: Mapping[str, Any] = {"work": work, "threads": threads}
        with self.runner(at_once) as runner:
            futures = [runner.submit(fill_shard, {"span": span, **told}) for span in left]
            for future in futures:
                future.result()


@task(name="index-shard", task_run_name="index-shard-{span.name}", **POLICY)
@discreet
def fill_shard(span: Span, work: Workplace, threads: int) -> Path:
    """Fill one shard of an index with ``threads`` threads; one that is filled is kept.

    ``work`` says whether errors may be told.
    """
    path = fill_span(span, threads)
    give_back()
    return path
