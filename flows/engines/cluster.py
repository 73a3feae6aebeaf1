"""A running Dask scheduler: which of its workers decode, and which run models."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from prefect import Task

from flows.engines.engine import require_dask
from flows.engines.ready import ready
from flows.orchestration.orchestrator import quiet_runs
from flows.orchestration.temporary_server import configured_url
from mmcore.embedding.embed import releasing
from mmcore.errors import ClusterError
from mmcore.specs import RuntimeSpec
from tasks.sight import Seen, Sight, look_around

log = logging.getLogger(__name__)

CPU: Final = "CPU"
"""The resource of workers that decode, as ``dask worker --resources CPU=8``; a task takes one."""

GPU: Final = "GPU"
"""The resource of workers that run models."""

_FIRST: Final = 10  # priority of embedding, so that what is decoded does not pile up
_PATIENCE: Final = "30s"  # for the scheduler, and for its first worker


@dataclass(frozen=True, slots=True)
class Team:
    """The workers that do one kind of task.

    Args:
        workers: their addresses, at the start of the run.
        slots: tasks that they do at once.
        resource: what a task of this kind takes one of; None: any worker does it.
    """

    workers: tuple[str, ...]
    slots: int
    resource: str | None = None

    @classmethod
    def of(cls, workers: Mapping[str, Mapping[str, Any]], resource: str) -> Team:
        """Those that declare the resource; all, where none does."""
        with_it = {
            address: int(min(told["nthreads"], told["resources"][resource]))
            for address, told in workers.items()
            if told["resources"].get(resource, 0) >= 1
        }
        if with_it:
            return cls(tuple(with_it), sum(with_it.values()), resource)
        return cls(tuple(workers), sum(told["nthreads"] for told in workers.values()))


class Lane:
    """Submits one kind of task to the workers that do it."""

    def __init__(self, cluster: Cluster, team: Team, priority: int = 0) -> None:
        self._cluster, self.team = cluster, team
        self._told: dict[str, Any] = {"priority": priority} if priority else {}
        if team.resource:
            self._told["resources"] = {team.resource: 1}

    def submit(self, task: Task[..., Any], parameters: dict[str, Any]) -> Submitted:
        """Let ``task`` run when a worker of the team is free."""
        from dask.base import annotate  # noqa: PLC0415 - an extra

        with annotate(**self._told):
            return Submitted(self._cluster, self._cluster.runner.submit(task, parameters))


class Submitted:
    """A task that the cluster was given; its failures are told as ours."""

    def __init__(self, cluster: Cluster, future: Any) -> None:
        self._cluster, self._future = cluster, future

    def result(self) -> Any:
        """Wait for it; ClusterError where workers died of it, or the scheduler went away."""
        from distributed.scheduler import KilledWorker  # noqa: PLC0415 - an extra

        try:
            return self._future.result()
        except KilledWorker as error:
            task = str(error.task).partition("-")[0]
            why = f"died one after another at {task}: look at their logs"
            raise ClusterError("workers", why) from error
        except (CancelledError, OSError) as error:
            if self._cluster.answers:
                raise
            raise ClusterError(
                f"the Dask scheduler at {self._cluster.address}",
                "went away; what is finished stays, start it and run again",
            ) from error

    def add_done_callback(self, fn: Callable[[Any], None], /) -> None:
        """Call ``fn`` with this when it is done."""
        self._future.add_done_callback(lambda _: fn(self))


class Cluster:
    """A scheduler that somebody else started, and its workers as they are now."""

    def __init__(self, address: str, runner: Any) -> None:
        self.address, self.runner = address, runner
        self._client = runner.client
        self._client.wait_for_workers(1, timeout=_PATIENCE)
        told = self._client.scheduler_info(n_workers=-1)["workers"]
        self.workers: tuple[str, ...] = tuple(told)
        self.decoding = Lane(self, Team.of(told, CPU))
        self.models = Lane(self, Team.of(told, GPU), _FIRST)

    @property
    def answers(self) -> bool:
        """Whether the scheduler is there."""
        return bool(self._client.status == "running")

    def agreed(self, sight: Sight, runtime: RuntimeSpec) -> RuntimeSpec:
        """How all of them run models: on one kind of device, in one dtype.

        Raises ClusterError where a worker does not see what it has to, or where a file's vectors
        would depend on the worker that makes them.
        """
        if self.models.team.resource == GPU and runtime.device == "auto":
            runtime = runtime.model_copy(update={"device": "cuda"})
        models = self.models.team.workers
        others = [address for address in self.workers if address not in set(models)]
        found = self._asked(partial(look_around, sight, runtime), models)
        found |= self._asked(partial(look_around, sight, None), others)
        for address, seen in found.items():
            if seen.lacking:
                raise ClusterError(f"the worker {address}", "; ".join(seen.lacking))
        ways = {seen.compute: address for address, seen in found.items() if seen.compute}
        if len(ways) > 1:
            told = ", ".join(f"{at} {' '.join(way)}" for way, at in sorted(ways.items()))
            why = f"would compute differently ({told}): --set runtime.dtype=float32, or --device"
            raise ClusterError("workers", why)
        ((_, dtype),) = ways
        return runtime.model_copy(update={"dtype": dtype})

    def _asked(self, question: Callable[[], Seen], workers: Sequence[str]) -> dict[str, Seen]:
        """What each of ``workers`` answers; ClusterError where one cannot be asked."""
        if not workers:
            return {}
        answers = self._client.run(question, workers=list(workers), on_error="return")
        for address, answer in answers.items():
            if not isinstance(answer, Seen):
                why = f"cannot work for mmindex: {type(answer).__name__}: {answer}"
                raise ClusterError(f"the worker {address}", why)
        return dict(answers)

    def begin(self) -> None:
        """Let scheduler and workers load what tasks need, and all workers log as we do.

        Raises ClusterError where the scheduler cannot.
        """
        try:
            self._client.run_on_scheduler(ready)
        except (ImportError, AttributeError) as error:
            why = f"cannot load mmindex ({error}): install it there too, the same"
            raise ClusterError(f"the Dask scheduler at {self.address}", why) from error
        self._client.run(ready, on_error="ignore")  # they are asked what they lack in `agreed`
        self._client.run(quiet_runs, on_error="ignore")

    def end(self) -> None:
        """Let them free their models: they outlive the run."""
        if self.answers:
            self._client.run(release, on_error="ignore")


def release() -> None:
    """Free what this process keeps for the next shard."""
    with releasing():
        pass


@contextmanager
def joined(address: str) -> Iterator[Cluster]:
    """The cluster of the scheduler at ``address``, for a run; ClusterError where none is there."""
    require_dask()
    import distributed  # noqa: F401, PLC0415 - an extra
    from prefect_dask.task_runners import DaskTaskRunner  # noqa: PLC0415 - an extra

    with DaskTaskRunner(address=address, client_kwargs={"timeout": _PATIENCE}) as runner:
        try:
            cluster = Cluster(address, runner)
        except TimeoutError as error:
            why = "has no worker: start some, as `dask worker ADDRESS`"
            raise ClusterError(f"the Dask scheduler at {address}", why) from error
        except (OSError, ValueError) as error:
            why = f"does not answer ({error}): start it, as `dask scheduler`, or unset it"
            raise ClusterError(f"the Dask scheduler at {address}", why) from error
        cluster.begin()
        try:
            yield cluster
        finally:
            cluster.end()


def prefect_url() -> str:
    """The API that workers report to; empty where there is none, as in a test."""
    return configured_url() or ""
