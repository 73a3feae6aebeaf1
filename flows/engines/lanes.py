"""Who decodes and who embeds in a run, on whatever engine, and where shards wait in between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from flows.config.index import IndexConfig
from flows.engines.cluster import Cluster, joined, prefect_url
from flows.engines.engine import Runner, task_runner
from flows.engines.gpu import gpus_claimed
from mmcore.encoders.compute.device import devices_of
from mmcore.processes.cores import cores
from storage import exchange
from storage.places.atomic import write_bytes
from storage.places.place import is_local
from tasks.plan import Plan
from tasks.sight import Sight
from tasks.workplace import Workplace

_NOTE = "RUN"  # in the staging folder: which run's it is


@dataclass(frozen=True, slots=True)
class Lanes:
    """Two runners, for two kinds of tasks.

    Args:
        decoding, models: what the tasks are submitted to.
        ahead: shards under way at most.
        at_once: shards that are embedded or written at a time.
        work: the workplace as the tasks are told it.
    """

    decoding: Runner
    models: Runner
    ahead: int
    at_once: int
    work: Workplace


@contextmanager
def lanes(plan: Plan, work: Workplace, config: IndexConfig) -> Iterator[Lanes]:
    """The lanes of one run; afterwards no decoded shard is left."""
    told = config.cluster
    shared = told.staging is not None or told.scheduler is not None
    staging = exchange.begin(work.lake, told.staging) if shared else None
    work = replace(work, staging=staging)
    try:
        if told.scheduler is None:
            with _here(work, config) as found:
                yield found
        else:
            with joined(told.scheduler) as cluster:
                yield _there(cluster, plan, work)
    finally:
        if shared:
            exchange.end(work.lake)


@contextmanager
def _here(work: Workplace, config: IndexConfig) -> Iterator[Lanes]:
    """The engine decodes; models run in this process, or in one for each device.

    Each of the engine's workers would load a model of its own onto the same device.
    """
    workers = config.workers or cores()
    devices = devices_of(config.runtime.device)
    at_once = shards_at_once(devices)
    with (
        gpus_claimed(devices),
        task_runner(config.engine, workers) as decoding,
        task_runner("threads", at_once) as models,
    ):
        yield Lanes(decoding, models, workers + at_once, at_once, work)


def shards_at_once(devices: tuple[str, ...]) -> int:
    """Shards between decoding and their parts: one a device, and one that is written meanwhile.

    Beside GPUs the CPU is a device too, of encoders that have no model for a GPU.
    """
    return len(devices) + 1 + ("cpu" not in devices)


def _there(cluster: Cluster, plan: Plan, work: Workplace) -> Lanes:
    """The workers of a cluster decode and embed, each kind of task by those who declare it."""
    sight = _sight(plan, work)
    runtime = cluster.agreed(sight, work.runtime)
    at_once = cluster.models.team.slots + 1
    ahead = cluster.decoding.team.slots + at_once
    told = replace(work, runtime=runtime, sight=sight)
    return Lanes(cluster.decoding, cluster.models, ahead, at_once, told)


def _sight(plan: Plan, work: Workplace) -> Sight:
    """What workers have to see; a note in the staging folder is written for them."""
    staging = work.staging or work.lake.staging
    note, word = staging / _NOTE, uuid4().hex
    write_bytes(note, word.encode())
    lake = work.lake.root if is_local(work.lake.root) else None
    return Sight(note, word, _samples(plan), lake, prefect_url())


def _samples(plan: Plan) -> tuple[str, ...]:
    """A local file of each root that is to be read, and that this machine sees."""
    found: dict[str, str] = {}
    for shard in plan.interleaved():
        for content in shard.contents:
            place = content.location
            if content.root not in found and place and "://" not in place and Path(place).exists():
                found[content.root] = place
    return tuple(found.values())
