"""How a flow fills large indexes: in shards, by the workers that its engine has."""

from __future__ import annotations

from flows.engine import Engine, task_runner
from mmcore.processes.cores import cores
from mmcore.specs import IndexSpec
from tasks.index_shards import Sharding


def sharding(
    spec: IndexSpec | None = None, engine: Engine = "threads", workers: int | None = None
) -> Sharding:
    """Shards of ``spec.shard_rows`` rows on ``engine``, which starts when there are any.

    A flow that has no such settings takes the defaults, and threads of its own process.
    """
    rows = (spec or IndexSpec()).shard_rows
    return Sharding(rows, workers or cores(), lambda at_once: task_runner(engine, at_once))
