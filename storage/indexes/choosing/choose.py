"""Choosing the first kind of index, in order of cost, that meets a goal on real queries."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from storage.indexes.card import TRUTH, Point, Reached, Setting
from storage.indexes.choosing.filling import Filled, Filling, Whole
from storage.indexes.choosing.frontier import nothing_fits, too_large
from storage.indexes.choosing.kinds import Kind, exact_is_cheap, exact_may_do, flat, kinds
from storage.indexes.choosing.structure import threads, train_sample, trained
from storage.indexes.choosing.truth import (
    SPARE,
    Truth,
    exact_answers,
    load_truth,
    rows_digest,
    truth_key,
)
from storage.indexes.choosing.tuning import (
    Asked,
    Bench,
    Clock,
    below,
    reached_by,
    recall_of,
    stronger,
    tune,
)
from storage.indexes.choosing.vectors_file import let_go
from storage.indexes.goal import Goal
from storage.indexes.questions import ENOUGH, Questions
from storage.indexes.searching.engine import Engine
from storage.places.place import remove

_STORED: Final = 500  # stored vectors that ask where there are no queries
WHOLE: Final = Whole()
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Chosen:
    """The kind that meets the goal, as it was measured.

    Args:
        kind: what it is.
        index: the faiss index, which answers row ids; None for exact search over the vectors.
        file: where it lies, if its lists were left on disk.
        setting: how it is searched.
        tried: what was measured, in order.
        reached: recall on the queries that did not tune; None where nothing was measured.
        truth: exact answers to all queries; None where nothing was measured.
        trained_on: rows.
    """

    kind: Kind
    index: Any | None = None
    file: Path | None = None
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
    filling: Filling = WHOLE,
    clock: Clock = time.perf_counter,
) -> Chosen:
    """The first kind, in order of cost, that meets ``goal`` over ``vectors`` (n, d).

    ``ids`` (n,) are sorted; ``vectors`` may be a mapped file. Exact search is taken unmeasured
    where it is cheap, or all is to be found, unless it exceeds the memory or there is a latency to
    keep. Where it is not taken so and there are too few queries, stored vectors ask. ``filling``
    makes the indexes. In its folder, if it has one, exact answers are kept, and used again for the
    same rows and queries.

    Raises NothingFitsError where no kind meets the goal, and ValueError for what does not fit.
    """
    check_matrix(ids, vectors)
    n, d = vectors.shape
    if questions is not None and len(questions) and questions.vectors.shape[1:] != (d,):
        raise ValueError(f"queries of {questions.vectors.shape}, vectors of {vectors.shape}")
    if exact_is_cheap(n, d, goal) or (goal.recall >= 1 and exact_may_do(n, d, goal)):
        return Chosen(flat(d))
    if questions is None or len(questions) < ENOUGH:
        questions = stored(ids, vectors, goal.seed)
    truth = _answers(ids, vectors, questions, goal, filling.folder)
    return _Choice(ids, vectors, Asked(questions, truth), goal, clock, filling).made()


def check_matrix(ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> None:
    """ValueError for what faiss would not take as vectors (n, d) under ``ids`` (n,)."""
    if vectors.ndim != 2 or len(ids) != len(vectors):  # noqa: PLR2004 - a matrix
        raise ValueError(f"{len(ids)} ids, vectors of {vectors.shape}")
    if ids.dtype != np.int64 or vectors.dtype != np.float32:
        raise ValueError(f"ids of {ids.dtype}, vectors of {vectors.dtype}: int64 and float32 fit")
    if not vectors.flags.c_contiguous:
        raise ValueError("vectors have to lie row after row: pass np.ascontiguousarray of them")


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


@dataclass(slots=True, eq=False)
class _Choice:
    """A choice under way."""

    ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    asked: Asked
    goal: Goal
    clock: Clock
    filling: Filling = WHOLE
    tried: list[Point] = field(default_factory=list)
    slow: set[str] = field(default_factory=set)
    inexact: set[str] = field(default_factory=set)
    looks: int = 0  # at the half of the queries that does not tune

    def made(self) -> Chosen:
        """The first kind that meets the goal; NothingFitsError where none does."""
        tuning, reporting = map(self.asked.take, self.asked.questions.halves(self.goal.seed))
        if not len(reporting.questions):  # one row, which asks for others: there are none
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
        n, memory = len(self.ids), self.goal.memory
        there = [self.filling.form(kind, n, memory) for kind in kinds(*self.vectors.shape)]
        last = self.goal.latency is None
        yield from there[1:] if last else there
        yield from there[:1] if last else ()

    def _bars(self, kind: Kind) -> str:
        """Why a kind is not worth building; ``""`` where it is."""
        if not kind.exact and self.goal.recall >= 1:
            return "not built: only exact search finds all"
        if kind.less_exact_than in self.inexact:
            return f"not built: {kind.less_exact_than} finds more, and not enough"
        if kind.slower_than in self.slow:
            return f"not built: {kind.slower_than} is faster, and not fast enough"
        return self._exceeds(kind)

    def _exceeds(self, kind: Kind) -> str:
        memory = kind.memory(len(self.ids))
        exceeds = self.goal.memory is not None and memory > self.goal.memory
        return too_large(memory) if exceeds else ""

    def _tried(self, kind: Kind, tuning: Asked, reporting: Asked) -> Chosen | None:
        """Build and tune a kind; None, with what was measured kept, where it misses the goal."""
        start = self.clock()
        filled = self._built(kind)
        seconds = self.clock() - start
        engine = Engine.over(filled.index, self.ids, self.vectors)
        bench = Bench(engine, kind, len(self.ids), tuning, self.goal, seconds, self.clock)
        chosen = self._confirmed(bench, reporting)
        self.tried += bench.points
        _log.info("an index %s %s the goal", kind.name, "meets" if chosen else "misses")
        let_go(self.vectors)
        if chosen is None:
            return None
        return Chosen(
            kind,
            filled.index,
            filled.file,
            setting=chosen[0],
            tried=tuple(self.tried),
            reached=chosen[1],
            truth=self.asked.truth,
            trained_on=min(kind.sample, len(self.ids)),
        )

    def _built(self, kind: Kind) -> Filled:
        """The index of a kind; None for exact search: the vectors are the index."""
        if kind.exact:
            return Filled(None)
        with threads(self.goal.threads):
            train = partial(self._trained, kind)
            return self.filling.filled(kind, train, self.ids, self.vectors)

    def _trained(self, kind: Kind) -> Any:
        """The empty index of a kind, trained on rows at random over all."""
        sample = train_sample(self.vectors, kind.sample, self.goal.seed)
        let_go(self.vectors)
        return trained(kind, self.vectors.shape[1], sample, self.goal.seed)

    def _confirmed(self, bench: Bench, reporting: Asked) -> tuple[Setting, Reached] | None:
        """The cheapest setting within budgets whose recall the other half of the queries has too.

        Where it has not, by chance, the next stronger setting is looked at. Each further look
        brings what is reported a little above the truth, so their number is reported too.
        """
        settings = tune(bench)
        if not settings:
            self.inexact.add(bench.kind.name)
        setting = next((one for one in settings if bench.point(one).fits), None)
        if settings and setting is None:
            self.slow.add(bench.kind.name)
        while setting is not None and bench.point(setting).fits:
            asked = reporting.questions
            recalls = recall_of(bench.engine, reporting, setting, self.goal)
            self.looks += 1
            missed = below(recalls, asked, self.goal)
            if not missed:
                return setting, reached_by(recalls, asked, self.goal.k, self.looks)
            bench.refute(setting, f"{missed} on the other half of the queries")
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
        why=why,
    )
