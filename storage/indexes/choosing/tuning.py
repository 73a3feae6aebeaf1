"""Measuring an index, and finding the cheapest setting that reaches a recall."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from storage.indexes.card import Point, Reached, Setting
from storage.indexes.choosing.kinds import Kind
from storage.indexes.choosing.structure import threads
from storage.indexes.choosing.truth import Truth, without_own
from storage.indexes.goal import Goal
from storage.indexes.questions import Questions

Z95: Final = 1.96
_SINGLES: Final = 50  # queries asked one by one
_SECONDS: Final = 0.5  # that asking them may take, beyond the first few
_FEW: Final = 5
_FURTHER: Final = 3  # values of the knob that are tried with less refinement
GROUP: Final = 50  # queries of a kind from which it has to reach the goal by itself
_RANDOM: Final = 3  # times dearer: a vector read from anywhere than a code in a row

Clock = Callable[[], float]
"""Seconds from any beginning."""

Answers = tuple[NDArray[np.float32], NDArray[np.int64]]
"""Scores (q, k) and ids."""


class Searching(Protocol):
    """What is measured: the engine that answers queries later."""

    def search(
        self,
        vectors: NDArray[np.float32],
        k: int,
        ids: NDArray[np.int64] | None = None,
        *,
        setting: Setting | None = None,
    ) -> Answers:
        """Exact scores (q, k) and ids of the nearest."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """Queries with their exact answers."""

    questions: Questions
    truth: Truth

    def take(self, rows: NDArray[np.int64]) -> Asked:
        """Those of ``rows``."""
        return Asked(self.questions.take(rows), self.truth.take(rows))


@dataclass(slots=True, eq=False)
class Bench:
    """One built kind, and the queries that its settings are measured with.

    ``points`` are what was measured, in order.
    """

    engine: Searching
    kind: Kind
    rows: int
    asked: Asked
    goal: Goal
    build_seconds: float = 0.0
    clock: Clock = time.perf_counter
    points: list[Point] = field(default_factory=list)
    _reaching: dict[Setting, bool] = field(default_factory=dict)

    def reaches(self, setting: Setting) -> bool:
        """Whether the lower end of the interval of the mean recall is at the goal.

        So it has to be for each kind of query of which there are enough. Exact search reaches
        every goal: it leaves no doubt.
        """
        if setting not in self._reaching:
            start = self.clock()
            answers = _answers(self.engine, self.asked, setting, self.goal)
            seconds = self.clock() - start
            recalls = _recalls(self.asked, answers, self.goal.k)
            least = worst(recalls, self.asked.questions, self.goal.k)
            point = Point(
                kind=self.kind.name,
                setting=setting,
                recall=float(recalls.mean()),
                latency_ms=latency_of(self.engine, self.asked, setting, self.goal.k, self.clock),
                rate=len(recalls) / max(seconds, 1e-9),
                memory=self.kind.memory(self.rows),
                build_seconds=self.build_seconds,
                fits=False,
            )
            missed = "" if self.kind.exact or least.low >= self.goal.recall else str(least)
            self.points.append(judged(point, missed, self.goal))
            self._reaching[setting] = not missed
        return self._reaching[setting]

    def point(self, setting: Setting) -> Point:
        """What was measured of a setting."""
        self.reaches(setting)
        return next(point for point in self.points if point.setting == setting)

    def setting(self, value: int | None, depth: int) -> Setting:
        """The setting of its kind with a value of the knob, tuned for what the goal asks."""
        return setting_of(self.kind, value, depth, self.goal.k)

    def refute(self, setting: Setting, why: str) -> None:
        """Note that a setting that seemed to fit does not."""
        point = self.point(setting)
        refuted = point.model_copy(update={"fits": False, "why": why})
        self.points[self.points.index(point)] = refuted

    def cost(self, setting: Setting) -> float:
        """Bytes that a query reads, those read from anywhere counted more: to compare settings."""
        kind, exact = self.kind, 4 * int(self.asked.questions.vectors.shape[1])
        if setting.ef is not None:
            scanned: float = setting.ef * kind.row * _RANDOM
        else:
            scanned = self.rows * kind.row * ((setting.nprobe or 1) / max(1, kind.lists))
        refined = self.goal.k * setting.depth * exact * _RANDOM if kind.refined else 0
        return scanned + refined


def tune(bench: Bench) -> list[Setting]:
    """Settings that reach the recall, cheapest first; none where no setting does.

    First the lowest value of the knob that does with the deepest refinement, then for it and for
    the next ones the least refinement. What a setting costs is reckoned, not timed: the same
    vectors and queries give the same setting on a busy machine.
    """
    kind = bench.kind
    if not kind.knob:
        return _shallowest(bench, None)
    deepest = kind.depths[-1]
    lowest = first(kind.knobs, lambda value: bench.reaches(bench.setting(value, deepest)))
    if lowest is None:
        return []
    place = kind.knobs.index(lowest)
    further = kind.knobs[place : place + (_FURTHER if kind.refined else 1)]
    reaching = [setting for value in further for setting in _shallowest(bench, value)]
    return sorted(reaching, key=bench.cost)


def stronger(kind: Kind, setting: Setting) -> Setting | None:
    """The next setting that finds more: deeper, else more of the knob; None after the last."""
    value = setting.nprobe or setting.ef
    deeper = [depth for depth in kind.depths if depth > setting.depth]
    if deeper:
        return setting_of(kind, value, deeper[0], setting.k)
    more = [one for one in kind.knobs if value is not None and one > value]
    return setting_of(kind, more[0], setting.depth, setting.k) if more else None


def setting_of(kind: Kind, value: int | None, depth: int, k: int) -> Setting:
    """The setting with a value of the kind's knob, tuned to find ``k``."""
    return Setting(
        nprobe=value if kind.knob == "nprobe" else None,
        ef=value if kind.knob == "ef" else None,
        depth=depth,
        k=k,
    )


def recall_of(
    engine: Searching, asked: Asked, setting: Setting | None, goal: Goal
) -> NDArray[np.float64]:
    """Recall (q,) of each query, asked in one batch; the query's own row is not counted."""
    return _recalls(asked, _answers(engine, asked, setting, goal), goal.k)


def latency_of(
    engine: Searching, asked: Asked, setting: Setting | None, k: int, clock: Clock
) -> float:
    """Milliseconds that half of single queries take at most, with one thread."""
    taken: list[float] = []
    vectors = asked.questions.vectors
    with threads(1):
        for row in np.linspace(0, len(vectors) - 1, min(_SINGLES, len(vectors))).astype(int):
            start = clock()
            engine.search(vectors[row : row + 1], k, setting=setting)
            taken.append(clock() - start)
            if len(taken) >= _FEW and sum(taken) > _SECONDS:
                break
    return float(np.median(taken)) * 1000


def interval(recalls: NDArray[np.float64], k: int) -> tuple[float, float, float]:
    """The 95 % interval of a mean recall, and the mean between: low, mean, high.

    Normal, with one more query that missed one of ``k``: queries that all found everything leave
    a doubt too.
    """
    doubted = np.append(recalls, 1 - 1 / k)
    half = Z95 * float(doubted.std(ddof=1)) / np.sqrt(len(doubted))
    mean = float(recalls.mean())
    return max(0.0, float(doubted.mean()) - half), mean, min(1.0, mean + half)


@dataclass(frozen=True, slots=True)
class Least:
    """The least recall, of all queries or of those of one ``kind``: its mean, and the low end."""

    low: float
    mean: float
    kind: str = ""

    def __str__(self) -> str:
        """For example ``recall 0.952 of text zh, at least 0.941``."""
        of = f" of {self.kind}" if self.kind else ""
        return f"recall {self.mean:.3f}{of}, at least {self.low:.3f}"


def worst(recalls: NDArray[np.float64], questions: Questions, k: int) -> Least:
    """The least of the recalls (q,): of all, and of each kind of 50 queries or more."""
    kinds, counts = np.unique(questions.kinds, return_counts=True)
    whole = interval(recalls, k)
    found = [Least(whole[0], whole[1])]
    if len(kinds) > 1:
        for kind in kinds[counts >= GROUP].tolist():
            low, mean, _ = interval(recalls[questions.kinds == kind], k)
            found.append(Least(low, mean, kind))
    return min(found, key=lambda one: one.low)


def below(recalls: NDArray[np.float64], questions: Questions, goal: Goal) -> str:
    """What mean recall is below the goal, of all or of a kind of enough queries; ``""``: none."""
    kinds, counts = np.unique(questions.kinds, return_counts=True)
    if recalls.mean() < goal.recall:
        return f"recall {recalls.mean():.3f}"
    for kind in kinds[counts >= GROUP].tolist():
        mean = recalls[questions.kinds == kind].mean()
        if mean < goal.recall:
            return f"recall {mean:.3f} of {kind}"
    return ""


def reached_by(
    recalls: NDArray[np.float64], questions: Questions, k: int, looks: int = 1
) -> Reached:
    """What the recalls (q,) of queries say, also by what asked, at the ``looks``-th look."""
    low, mean, high = interval(recalls, k)
    kinds = np.unique(questions.kinds)
    return Reached(
        recall=mean,
        low=low,
        high=high,
        queries=len(recalls),
        by={str(kind): float(recalls[questions.kinds == kind].mean()) for kind in kinds},
        asked=questions.asked,
        k=k,
        looks=looks,
    )


def judged(point: Point, missed: str, goal: Goal) -> Point:
    """The point with what it misses of the goal; ``missed``: of the recall, ``""`` for nothing."""
    misses = [missed] if missed else []
    if goal.latency is not None and point.latency_ms > goal.latency:
        misses.append(f"{point.latency_ms:.2g} ms")
    return point.model_copy(update={"fits": not misses, "why": ", ".join(misses)})


def first(values: Sequence[int], good: Callable[[int], bool]) -> int | None:
    """The first of rising ``values`` that is good, by bisection: what follows a good one is."""
    low, high = 0, len(values)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if good(values[middle]) else (middle + 1, high)
    return values[low] if low < len(values) else None


def _answers(engine: Searching, asked: Asked, setting: Setting | None, goal: Goal) -> Answers:
    """What a batch of the queries finds: one more than ``k`` where a query may find itself."""
    questions = asked.questions
    more = goal.k + bool((questions.own >= 0).any())
    with threads(goal.threads):
        return engine.search(questions.vectors, more, setting=setting)


def _recalls(asked: Asked, answers: Answers, k: int) -> NDArray[np.float64]:
    scores, found = answers
    return asked.truth.recall(*without_own(found, scores, asked.questions.own, k))


def _shallowest(bench: Bench, value: int | None) -> list[Setting]:
    """The setting with the least refinement that reaches the recall, if any does."""
    kind = bench.kind
    depth = first(kind.depths, lambda depth: bench.reaches(bench.setting(value, depth)))
    return [] if depth is None else [bench.setting(value, depth)]
