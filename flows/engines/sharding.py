"""How a flow fills large indexes: in shards, by the workers that its engine has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from flows.config.index import IndexConfig
from flows.engines.cluster import joined
from flows.engines.engine import Engine, Runner, task_runner
from mmcore.processes.cores import cores
from mmcore.specs import IndexSpec
from storage.places.place import is_local
from tasks.index_shards import Sharding

_MANY: Final = 64
"""Shards that a cluster is given at once: its scheduler knows how many workers it has."""


def sharding(
    spec: IndexSpec | None = None, engine: Engine = "threads", workers: int | None = None
) -> Sharding:
    """Shards of ``spec.shard_rows`` rows on ``engine``, which starts when there are any.

    A flow that has no such settings takes the defaults, and threads of its own process.
    """
    rows = (spec or IndexSpec()).shard_rows
    return Sharding(rows, workers or cores(), lambda at_once: task_runner(engine, at_once))


def sharding_of(config: IndexConfig) -> Sharding:
    """Shards as `index-media` fills them: on its engine, and on the workers of its cluster.

    Those have to see the vectors, which of a lake in a store lie in a folder of this machine; such
    indexes are filled here, by threads.
    """
    scheduler = config.cluster.scheduler
    if scheduler is None:
        return sharding(config.index, config.engine, config.workers)
    if not is_local(config.lake_root()):
        return sharding(config.index, "threads", config.workers)
    workers = config.workers or _MANY
    return Sharding(config.index.shard_rows, workers, lambda _: _decoding(scheduler))


@contextmanager
def _decoding(scheduler: str) -> Iterator[Runner]:
    with joined(scheduler) as cluster:
        yield cluster.decoding
