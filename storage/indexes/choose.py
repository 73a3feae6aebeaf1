"""Choosing the first kind of index, in order of cost, that meets a goal on real queries."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from storage.indexes.card import TRUTH, Point, Reached, Setting
from storage.indexes.engine import Engine
from storage.indexes.frontier import megabytes, nothing_fits
from storage.indexes.goal import Goal
from storage.indexes.kinds import Kind, flat, kinds
from storage.indexes.questions import Questions
from storage.indexes.structure import fill, threads, train_sample, trained
from storage.indexes.truth import SPARE, Truth, exact_answers, load_truth, rows_digest, truth_key
from storage.indexes.tuning import (
    Asked,
    Bench,
    Clock,
    reached_by,
    recall_of,
    stronger,
    tune,
)
from storage.indexes.vectors_file import let_go
from storage.places.place import remove

ENOUGH: Final = 20  # queries below which nothing is measured
_STORED: Final = 500  # stored vectors that ask where there are no queries
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """The kind that meets the goal, as it was measured.

    Args:
        kind: what it is.
        index: the faiss index, which answers row ids; None for exact search over the vectors.
        setting: how it is searched.
        tried: what was measured, in order.
        reached: recall on the queries that did not tune; None where nothing was measured.
        truth: exact answers to all queries; None where nothing was measured.
        trained_on: rows.
    """

    kind: Kind
    index: Any | None = None
    setting: Setting = field(default_factory=Setting)
    tried: tuple[Point, ...] = ()
    reached: Reached | None = None
    truth: Truth | None = None
    trained_on: int = 0


def choose(
    ids: NDArray[np.int64],
    vectors: NDArray[np.float32],
    questions: Questions | None,
    goal: Goal,
    *,
    folder: Path | None = None,
    clock: Clock = time.perf_counter,
) -> Chosen:
    """The first kind, in order of cost, that meets ``goal`` over ``vectors`` (n, d).

    ``ids`` (n,) are sorted; ``vectors`` may be a mapped file. Exact search is taken unmeasured
    where it is cheap, or where there are too few queries, unless it exceeds the memory or there
    is a latency to keep. Where it may not be taken so and there are too few queries, stored
    vectors ask. Exact answers are kept in ``folder``, if one is given, and used again for the same
    rows and queries.

    Raises NothingFitsError where no kind meets the goal.
    """
    n, d = vectors.shape
    enough = questions is not None and len(questions) >= ENOUGH
    if _exact_will_do(n, d, goal, enough=enough):
        return Chosen(flat(d))
    if questions is None or not enough:
        questions = stored(ids, vectors, goal.seed)
    truth = _answers(ids, vectors, questions, goal, folder)
    return _Choice(ids, vectors, Asked(questions, truth), goal, clock).made()


def stored(ids: NDArray[np.int64], vectors: NDArray[np.float32], seed: int) -> Questions:
    """Stored vectors, at random, that ask for others than themselves."""
    rows = np.random.default_rng(seed).choice(len(ids), min(_STORED, len(ids)), replace=False)
    rows.sort()
    asking = np.array(vectors[rows], dtype=np.float32)
    return Questions(asking, np.full(len(rows), "stored"), ids[rows], "stored vectors")


def _answers(
    ids: NDArray[np.int64],
    vectors: NDArray[np.float32],
    questions: Questions,
    goal: Goal,
    folder: Path | None,
) -> Truth:
    """The exact answers, from ``folder`` where it has them; there some more are kept."""
    if folder is None:
        return exact_answers(ids, vectors, questions, goal.k, goal.threads)
    key = truth_key(rows_digest(ids, vectors), questions, goal.k)
    truth = load_truth(folder / TRUTH, key)
    if truth is None:
        truth = exact_answers(ids, vectors, questions, goal.k + SPARE, goal.threads, key=key)
        remove([folder / TRUTH])  # another's
        truth.save(folder / TRUTH)
    return truth.first(goal.k)


def _exact_will_do(n: int, d: int, goal: Goal, *, enough: bool) -> bool:
    fits = goal.memory is None or flat(d).memory(n) <= goal.memory
    cheap = n * d <= goal.cheap or goal.recall >= 1 or not enough
    return fits and goal.latency is None and cheap


@dataclass(slots=True, eq=False)
class _Choice:
    """A choice under way."""

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    asked: Asked
    goal: Goal
    clock: Clock
    tried: list[Point] = field(default_factory=list)
    slow: set[str] = field(default_factory=set)
    inexact: set[str] = field(default_factory=set)

    def made(self) -> Chosen:
        """The first kind that meets the goal; NothingFitsError where none does."""
        tuning, reporting = map(self.asked.take, self.asked.questions.halves(self.goal.seed))
        if not len(reporting.questions):  # one query of each kind
            reporting = tuning
        for kind in self._order():
            why = self._bars(kind)
            if why:
                self.tried.append(_not_built(kind, len(self.ids), why))
                continue
            chosen = self._tried(kind, tuning, reporting)
            if chosen is not None:
                return chosen
        raise nothing_fits(self.tried, self.goal)

    def _order(self) -> Iterator[Kind]:
        """In order of cost; exact search last where it is not cheap and may take any time."""
        there = kinds(*self.vectors.shape)
        last = self.goal.latency is None
        yield from there[1:] if last else there
        yield from there[:1] if last else ()

    def _bars(self, kind: Kind) -> str:
        """Why a kind is not worth building; ``""`` where it is."""
        memory = kind.memory(len(self.ids))
        if self.goal.memory is not None and memory > self.goal.memory:
            return megabytes(memory)
        if not kind.exact and self.goal.recall >= 1:
            return "only exact search finds all"
        if kind.less_exact_than in self.inexact:
            return f"{kind.less_exact_than} finds more, and not enough"
        if kind.slower_than in self.slow:
            return f"{kind.slower_than} is faster, and not fast enough"
        return ""

    def _tried(self, kind: Kind, tuning: Asked, reporting: Asked) -> Chosen | None:
        """Build and tune a kind; None, with what was measured kept, where it misses the goal."""
        start = self.clock()
        index, trained_on = self._built(kind)
        seconds = self.clock() - start
        engine = Engine.over(index, self.ids, self.vectors)
        bench = Bench(engine, kind, len(self.ids), tuning, self.goal, seconds, self.clock)
        chosen = self._confirmed(bench, reporting)
        self.tried += bench.points
        _log.info("an index %s %s the goal", kind.name, "meets" if chosen else "misses")
        let_go(self.vectors)
        if chosen is None:
            return None
        setting, reached = chosen
        tried = tuple(self.tried)
        return Chosen(kind, index, setting, tried, reached, self.asked.truth, trained_on)

    def _built(self, kind: Kind) -> tuple[Any | None, int]:
        """The index of a kind, and the rows it was trained on; None: the vectors are the index."""
        if kind.exact:
            return None, 0
        with threads(self.goal.threads):
            sample = train_sample(self.vectors, kind.sample, self.goal.seed)
            let_go(self.vectors)
            index = trained(kind, self.vectors.shape[1], sample, self.goal.seed)
            return fill(index, self.ids, self.vectors), len(sample) if kind.sample else 0

    def _confirmed(self, bench: Bench, reporting: Asked) -> tuple[Setting, Reached] | None:
        """The cheapest setting within budgets whose recall the other half of the queries has too.

        Where it has not, by chance, the next stronger setting is looked at.
        """
        settings = tune(bench)
        if not settings:
            self.inexact.add(bench.kind.name)
        setting = next((one for one in settings if bench.point(one).fits), None)
        if settings and setting is None:
            self.slow.add(bench.kind.name)
        while setting is not None and bench.point(setting).fits:
            recalls = recall_of(bench.engine, reporting, setting, self.goal)
            if recalls.mean() >= self.goal.recall:
                return setting, reached_by(recalls, reporting.questions, self.goal.k)
            bench.refute(setting, f"recall {recalls.mean():.3f} on the other half of the queries")
            setting = stronger(bench.kind, setting)
        return None


def _not_built(kind: Kind, n: int, why: str) -> Point:
    return Point(
        kind=kind.name,
        recall=0,
        latency_ms=0,
        rate=0,
        memory=kind.memory(n),
        build_seconds=0,
        fits=False,
        why=f"not built: {why}",
    )
