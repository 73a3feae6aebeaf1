"""How well items are found by their fused vectors, on items that a fusion was not fitted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mmcore.fusion.base import Fusion
from mmcore.training.fusing.contents import Contents, Mask, Places
from mmcore.training.fusing.questions import Questions, Stacked, every_question, whole
from mmcore.types import Vectors

FEWEST: Final = 5  # questions of a kind, below which it has no score of its own
_BLOCK: Final = 8_000_000  # scores held at once
_DIGITS: Final = 6  # equal vectors must tie

Floats = NDArray[np.float64]


@dataclass(slots=True)
class Found:
    """The ranks of questions, gathered over folds."""

    items: list[int] = field(default_factory=list)  # ids
    kinds: list[str] = field(default_factory=list)
    ranks: list[int] = field(default_factory=list)  # from 1

    def add(self, exam: Exam, ranks: Places) -> None:
        """The questions of one fold."""
        self.items += exam.contents.item_ids[exam.questions.items].tolist()
        self.kinds += exam.questions.kinds
        self.ranks += ranks.tolist()

    def scores(self) -> dict[str, float]:
        """``RR`` and ``Success@10``, means over kinds of queries alike, and the RR of each kind.

        Kinds with few questions count together, as one.
        """
        of = self._by_kind()
        if not of:
            return {}
        reciprocal = {kind: float(np.mean(1 / ranks)) for kind, ranks in of.items()}
        return {
            "RR": float(np.mean(list(reciprocal.values()))),
            "Success@10": float(np.mean([np.mean(ranks <= 10) for ranks in of.values()])),  # noqa: PLR2004
            **{f"RR {kind}": value for kind, value in reciprocal.items()},
        }

    def _by_kind(self) -> Mapping[str, Places]:
        kinds, ranks = np.array(self.kinds), np.array(self.ranks, dtype=np.int64)
        counts = {kind: int(np.sum(kinds == kind)) for kind in sorted(set(self.kinds))}
        few = np.isin(kinds, [kind for kind, count in counts.items() if count < FEWEST])
        found = {k: ranks[kinds == k] for k, count in counts.items() if count >= FEWEST}
        return found | ({"others": ranks[few]} if few.any() else {})

    def gain(self, other: Found) -> tuple[float, float]:
        """By how much RR is above that of ``other`` on the same questions: mean, standard error.

        Over items, since the questions of one are not independent.
        """
        differences = 1 / np.array(self.ranks) - 1 / np.array(other.ranks)
        _, place = np.unique(self.items, return_inverse=True)
        means: Floats = np.bincount(place, differences) / np.bincount(place)
        return float(means.mean()), float(means.std(ddof=1) / len(means) ** 0.5)


@dataclass(frozen=True, slots=True, eq=False)
class Exam:
    """Items and all questions that can be asked of them, stacked once for many fusions."""

    contents: Contents
    questions: Questions
    items: Stacked
    queries: Stacked
    targets: Stacked

    @classmethod
    def of(cls, contents: Contents) -> Exam:
        """Every question of ``contents``."""
        asked = every_question(contents)
        return cls(
            contents, asked, whole(contents), asked.queries(contents), asked.targets(contents)
        )


def ranks_of(fusion: Fusion, exam: Exam) -> Places:
    """(q,) the rank, from 1, of each question's item among all items.

    The item is as it is without what it is asked with; others that share a caption with it leave.
    Of equal scores the sought one comes last.
    """
    gallery, there = _fused(fusion, exam.items)
    queries, _ = _fused(fusion, exam.queries)
    targets, _ = _fused(fusion, exam.targets)
    every = exam.contents.groups
    own = np.round(np.einsum("qd,qd->q", queries, targets), _DIGITS)
    step = max(1, _BLOCK // max(1, len(gallery)))
    found: list[Places] = [np.zeros(0, dtype=np.int64)]
    for low in range(0, len(queries), step):
        mine = slice(low, low + step)
        scores = np.round(queries[mine] @ gallery.T, _DIGITS)
        groups = every[exam.questions.items[mine]]
        scores[groups[:, None] == every[None]] = -np.inf
        scores[:, ~there] = -np.inf
        found.append(1 + np.sum(scores >= own[mine, None], axis=1))
    return np.concatenate(found)


def scored(fusion: Fusion, exam: Exam) -> float:
    """The mean reciprocal rank, kinds of queries alike."""
    found = Found()
    found.add(exam, ranks_of(fusion, exam))
    return found.scores().get("RR", 0.0)


def best_of(found: Mapping[str, Found], order: Sequence[str]) -> str:
    """The first of ``order``, unless a later one is better by more than a standard error.

    By the rule of one standard error (Breiman et al., "Classification and Regression Trees",
    1984): what is simpler is taken while no more is sure.
    """
    winner = order[0]
    for name in order[1:]:
        gain, error = found[name].gain(found[winner])
        better = found[name].scores()["RR"] > found[winner].scores()["RR"]
        if better and gain > error:
            winner = name
    return winner


def _fused(fusion: Fusion, stacked: Stacked) -> tuple[Vectors, Mask]:
    """Fused rows, zeros where there is nothing to fuse; (n,) where there is something."""
    vectors, has = stacked
    there: Mask = np.any(has, axis=1)
    fused = np.zeros((len(vectors), vectors.shape[2]), dtype=np.float32)
    if there.any():
        fused[there] = fusion.fuse(vectors[there], has[there])[0]
    return fused, there
