"""How long single searches take, as a person waits for them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from typing import Final

import numpy as np

from mmcore.errors import ConfigError, SpaceMismatchError
from mmcore.evaluation.directions import Bench
from mmcore.evaluation.queries import medium
from mmcore.evaluation.scores import Latency
from mmcore.search.searcher import Searcher
from mmcore.types import Query
from storage.indexes.choosing.structure import threads
from storage.schemas import Modality
from storage.snapshot import Snapshot

_WARM: Final = 5  # searches that load weights, indexes and rows


def latency(
    snapshot: Snapshot, bench: Bench, clock: Callable[[], float] = time.perf_counter
) -> Latency | None:
    """Search for held-out captions, one at a time and in one thread, after a few to warm up.

    What is timed is all of a search, from the text to hits with their paths. None where there is
    no text to ask with, as in a private lake, where nothing can be found by texts, or where
    ``latency_queries`` is 0.
    """
    texts = list(islice(_texts(bench), bench.spec.latency_queries))
    if not texts or snapshot.manifest.private:
        return None
    searcher = Searcher(snapshot, bench.vectors.asker)
    try:
        for text in texts[:_WARM]:
            searcher.search(Query(text=text))
    except (ConfigError, SpaceMismatchError):  # there is nothing that a text can find
        return None
    with _alone():
        taken = [_seconds(searcher, text, clock) for text in texts]
    p50, p95 = (1000 * float(np.quantile(taken, share)) for share in (0.5, 0.95))
    return Latency(p50=p50, p95=p95, queries=len(taken))


def _texts(bench: Bench) -> Iterator[str]:
    """The first words of each text that is asked with, by content id."""
    frozen = bench.terms.frozen.directions
    wanted: dict[str, str] = {}  # content → side
    for name, contents in frozen.items():
        side = name.partition("→")[0]
        if side in bench.pairs.sides and medium(side) == Modality.TEXT:
            wanted.update(dict.fromkeys(contents, side))
    for content, side in sorted(wanted.items()):
        for question in bench.pairs.frozen(side, [content], bench.fitted):
            if question.chunks and question.chunks[0].strip():
                yield question.chunks[0]


def _seconds(searcher: Searcher, text: str, clock: Callable[[], float]) -> float:
    start = clock()
    searcher.search(Query(text=text))
    return clock() - start


@contextmanager
def _alone() -> Iterator[None]:
    """Models and indexes take one thread."""
    with ExitStack() as stack:
        stack.enter_context(threads(1))
        if "torch" in sys.modules:  # else no encoder computes with it
            from mmcore.training.loop.threads import one_thread  # noqa: PLC0415 - it loads torch

            stack.enter_context(one_thread())
        yield
