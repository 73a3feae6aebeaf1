"""The longest stage: preprocess and embed every shard, decoding ahead of the models."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from contextlib import ExitStack
from operator import attrgetter

from flows.config.index import IndexConfig, StageWork
from flows.engines.lanes import lanes, shards_at_once
from flows.engines.window import Room, flow_through
from flows.stages.rounds import Round
from flows.stages.throughput import Throughput, line
from flows.telling.clock import Clock
from mmcore.embedding.embed import interruptible
from mmcore.embedding.progress import heard_by
from mmcore.encoders.compute.device import devices_of
from mmcore.processes.cores import cores
from mmcore.types import EncoderKey, Shard
from storage.exchange import drop
from tasks.convert import convert_stored
from tasks.crawl import Found
from tasks.effort import effort_of, rates_of
from tasks.embed import Embedded, embed_shard
from tasks.plan import Plan, Waiting, refuse_full_disk
from tasks.policies import unwalked
from tasks.preprocess import preprocess_shard
from tasks.throughput import show_throughput
from tasks.workplace import Workplace


def missing_cells(found: Found, plan: Plan, this: Round) -> dict[str, float]:
    """Compute the cells that the plan names, if there is room; the others are stored as told.

    Returns:
        What the models took, now or in the runs before (``tasks.effort.rates_of``).
    """
    config, work = this.config, this.work
    refuse_full_disk(plan, work, _waiting(config))
    convert_stored(unwalked(found.contents), plan.encoders, work)
    rates = compute_cells(plan, work, config, this.clock)
    show_throughput(this.clock.told_work())
    return {**this.rates, **rates}


def _waiting(config: IndexConfig) -> Waiting:
    """Where decoded shards will wait, and how many of them on this machine."""
    told = config.cluster
    place = told.staging or (config.lake if told.scheduler else None)
    shards = (config.workers or cores()) + shards_at_once(devices_of(config.runtime.device))
    return Waiting(place, shards, told.staging_bytes)


def compute_cells(
    plan: Plan, work: Workplace, config: IndexConfig, clock: Clock
) -> dict[str, float]:
    """Preprocess and embed every shard; decoding runs ahead of the models, not away from them.

    What the engine is, and where the models run, is the lanes' matter.

    Returns:
        What the models took (``tasks.effort.rates_of``).
    """
    if plan.empty:
        return {}
    with (
        _Watched(plan, clock) as watched,
        lanes(plan, work, config) as at_work,
        heard_by(watched.partly),
        interruptible(),
    ):
        told = at_work.work
        finished = flow_through(
            plan.interleaved(),
            lambda shard: at_work.decoding.submit(
                preprocess_shard, {"shard": shard, "work": told}
            ),
            lambda _, prepared: at_work.models.submit(
                embed_shard, {"prepared": prepared, "work": told}
            ),
            ahead=at_work.ahead,
            at_once=at_work.at_once,
            room=Room(config.cluster.staging_bytes, attrgetter("size")),
        )
        for done in finished:
            if done.staged is not None:
                drop(done.staged)
            watched.add(done)
    clock.work = watched.work()
    return watched.rates()


class _Watched:
    """A stage for each encoder that has work; it ends when its last shard does."""

    def __init__(self, plan: Plan, clock: Clock) -> None:
        self._clock = clock
        self._shards = {
            key: row for key, row in zip(plan.encoders, plan.shards, strict=True) if row
        }
        self._left = {key: sum(len(s.contents) for s in row) for key, row in self._shards.items()}
        self._effort = {key: effort_of(row) for key, row in self._shards.items()}
        self._spent = dict.fromkeys(self._shards, 0.0)  # of it, by finished shards
        self._weight = {s.name: effort_of([s]) for row in self._shards.values() for s in row}
        self._names = stage_names(tuple(self._left))
        self._open: dict[EncoderKey, tuple[ExitStack, list[str]]] = {}
        self._all = ExitStack()
        self._began = time.monotonic()
        self._throughput = Throughput(self._began)
        self._took: dict[EncoderKey, float] = {}
        self._lock = threading.Lock()  # of what was told
        self._told: dict[str, int] = {}  # shard under way → contents that were counted of it
        self._shares: dict[EncoderKey, dict[str, float]] = defaultdict(dict)  # the same → how much

    def __enter__(self) -> _Watched:
        for key, count in self._left.items():
            stack = self._all.enter_context(ExitStack())
            note = stack.enter_context(self._clock.stage(self._names[key], count, "contents"))
            self._open[key] = stack, note
        return self

    def __exit__(self, *failure: object) -> None:
        self._all.__exit__(*failure)  # type: ignore[arg-type]

    def partly(self, shard: Shard, share: float) -> None:
        """Count what the model has of a shard, but for one content: the rest of its work.

        A shard that is tried again is not counted twice. Called by the threads of the models.
        """
        with self._lock:
            before = self._told.get(shard.name, 0)
            now = max(before, int(share * (len(shard.contents) - 1)))
            self._told[shard.name] = now
            shares = self._shares[shard.encoder]
            if share > shares.get(shard.name, 0.0):
                shares[shard.name] = share
                self._advance(shard.encoder, now - before)

    def _advance(self, key: EncoderKey, count: int) -> None:
        """Tell ``count`` more contents, and the share of the work that is done."""
        under_way = (self._weight[n] * share for n, share in self._shares[key].items())
        share = (self._spent[key] + sum(under_way)) / self._effort[key]
        self._clock.advance(self._names[key], count, min(1.0, share))

    def add(self, done: Embedded) -> None:
        """Count a finished shard."""
        key = done.encoder
        with self._lock:
            told = self._told.pop(done.shard, 0)
            self._shares[key].pop(done.shard, None)
            self._spent[key] += self._weight[done.shard]
            self._advance(key, done.contents - told)
        self._throughput.add(done)
        self._left[key] -= done.contents
        if not self._left[key]:
            self._took[key] = time.monotonic() - self._began
            stack, note = self._open[key]
            note.append(line(self._throughput.of(key, self._took[key])))
            stack.close()

    def work(self) -> dict[str, StageWork]:
        """What the devices did, by encoder."""
        return {key.name: self._throughput.of(key, took) for key, took in self._took.items()}

    def rates(self) -> dict[str, float]:
        """What the models took, for the next run's estimate."""
        found: dict[str, float] = {}
        for key, took in self._took.items():
            work = self._throughput.of(key, took)
            found |= rates_of(key, self._shards[key], work.model_seconds, work.segments)
        return found


def stage_names(keys: tuple[EncoderKey, ...]) -> dict[EncoderKey, str]:
    """``embed image``; where two encoders are of one modality, each with its own name behind."""
    of = Counter(key.modality for key in keys)
    return {
        key: f"embed {key.modality}" + (f" ({key.name})" if of[key.modality] > 1 else "")
        for key in keys
    }
