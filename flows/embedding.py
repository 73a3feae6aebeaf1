"""The longest stage: preprocess and embed every shard, decoding ahead of the models."""

from __future__ import annotations

import os
from collections import defaultdict
from contextlib import ExitStack

from flows.clock import Clock
from flows.config import IndexConfig
from flows.engine import task_runner
from flows.window import flow_through
from mmcore.types import EncoderKey
from tasks.embed import Embedded, embed_shard
from tasks.plan import Plan
from tasks.preprocess import preprocess_shard
from tasks.workplace import Workplace


def compute_cells(
    plan: Plan, work: Workplace, config: IndexConfig, clock: Clock
) -> dict[str, float]:
    """Preprocess and embed every shard; decoding runs ahead of the models, not away from them.

    Returns:
        Seconds a segment took in the model, by encoder.
    """
    if plan.empty:
        return {}
    workers = config.workers or os.cpu_count() or 1
    with _Watched(plan, clock) as watched, task_runner(config.engine, workers + 1) as runner:
        finished = flow_through(
            plan.interleaved(),
            lambda shard: runner.submit(preprocess_shard, {"shard": shard, "work": work}),
            lambda _, prepared: runner.submit(embed_shard, {"prepared": prepared, "work": work}),
            ahead=workers + 1,
            at_once=1,
        )
        for done in finished:
            watched.add(done)
    return watched.rates()


class _Watched:
    """A stage for each encoder that has work; it ends when its last shard does."""

    def __init__(self, plan: Plan, clock: Clock) -> None:
        self._clock = clock
        self._left = {
            key: plan.missing(place)
            for place, key in enumerate(plan.encoders)
            if plan.shards[place]
        }
        self._open: dict[EncoderKey, ExitStack] = {}
        self._all = ExitStack()
        self._segments: dict[str, int] = defaultdict(int)
        self._seconds: dict[str, float] = defaultdict(float)

    def __enter__(self) -> _Watched:
        for key, count in self._left.items():
            self._open[key] = self._all.enter_context(ExitStack())
            self._open[key].enter_context(self._clock.stage(_stage(key), count, "files"))
        return self

    def __exit__(self, *failure: object) -> None:
        self._all.__exit__(*failure)  # type: ignore[arg-type]

    def add(self, done: Embedded) -> None:
        """Count a finished shard."""
        key = done.encoder
        self._clock.advance(_stage(key), done.contents)
        self._segments[key.name] += done.segments
        self._seconds[key.name] += done.seconds
        self._left[key] -= done.contents
        if not self._left[key]:
            self._open[key].close()

    def rates(self) -> dict[str, float]:
        """Seconds a segment, by encoder."""
        return {
            name: round(self._seconds[name] / count, 6)
            for name, count in self._segments.items()
            if count
        }


def _stage(key: EncoderKey) -> str:
    return f"embed {key.modality}"
