"""How well items are found by their fused vectors, on items that a fusion was not fitted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mmcore.fusion.base import Fusion
from mmcore.training.fusing.contents import Contents, Mask, Places
from mmcore.training.fusing.questions import MOST, Questions, Stacked, every_question, whole
from mmcore.types import Vectors

FEWEST: Final = 5  # questions of a kind, below which it has no score of its own
_BLOCK: Final = 8_000_000  # scores held at once
_DIGITS: Final = 6  # equal vectors must tie
_PAIR: Final = "+"  # in the name of a kind that asks by two contents

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

    @classmethod
    def together(cls, parts: Sequence[Found]) -> Found:
        """The questions of all of ``parts``, one after the other."""
        return cls(
            [item for part in parts for item in part.items],
            [kind for part in parts for kind in part.kinds],
            [rank for part in parts for rank in part.ranks],
        )

    def scores(self) -> dict[str, float]:
        """``RR`` and ``Success@10``, the RR of each kind of query, and of some kinds together.

        ``RR single`` is the mean over the kinds that ask by one content alone, ``RR pairs`` over
        the others; the first two scores are the mean of both. Kinds count alike, and those with
        few questions together, as one.
        """
        reciprocal = {kind: float(np.mean(1 / ranks)) for kind, ranks in self._by_kind().items()}
        if not reciprocal:
            return {}
        of = {
            "single": [value for kind, value in reciprocal.items() if _PAIR not in kind],
            "pairs": [value for kind, value in reciprocal.items() if _PAIR in kind],
        }
        return {
            "RR": float(np.sum(self._shares() / self._ranks())),
            "Success@10": float(np.sum(self._shares() * (self._ranks() <= 10))),  # noqa: PLR2004
            **{f"RR {name}": float(np.mean(values)) for name, values in of.items() if values},
            **{f"RR {kind}": value for kind, value in reciprocal.items()},
        }

    def gain(self, other: Found) -> tuple[float, float]:
        """By how much RR is above that of ``other`` on the same questions: mean, standard error.

        Over items, since the questions of one are not independent. Of less than two items there is
        none to tell: (0, 0).
        """
        if len(set(self.items)) < 2:  # noqa: PLR2004
            return 0.0, 0.0
        differences = self._shares() * (1 / self._ranks() - 1 / other._ranks())
        _, place = np.unique(self.items, return_inverse=True)
        sums: Floats = np.bincount(place, differences).astype(np.float64)
        return float(sums.sum()), float(sums.std(ddof=1) * len(sums) ** 0.5)

    def finds_singles(self, other: Found, less: float = 0.0) -> bool:
        """Whether single contents find no worse than by ``other``, but for ``less`` of RR."""
        one, two = (found.scores().get("RR single", 0.0) for found in (self, other))
        return one >= two - less

    def _ranks(self) -> Places:
        return np.array(self.ranks, dtype=np.int64)

    def _names(self) -> NDArray[np.str_]:
        """(q,) the kind of each question, ``others`` where it has too few."""
        kinds = np.array(self.kinds, dtype=np.str_)
        names, counts = np.unique(kinds, return_counts=True)
        few = [kind for kind in names[counts < FEWEST].tolist() if _PAIR not in kind]
        pairs = [kind for kind in names[counts < FEWEST].tolist() if _PAIR in kind]
        named = np.where(np.isin(kinds, few), "others", kinds)
        return np.where(np.isin(kinds, pairs), f"other{_PAIR}pairs", named)

    def _by_kind(self) -> Mapping[str, Places]:
        names, ranks = self._names(), self._ranks()
        return {kind: ranks[names == kind] for kind in sorted(set(names.tolist()))}

    def _shares(self) -> Floats:
        """(q,) what each question counts in the score; all sum to 1."""
        names = self._names()
        kinds = set(names.tolist())
        sorts = [[k for k in kinds if (_PAIR in k) == pair] for pair in (False, True)]
        asked = [kinds for kinds in sorts if kinds]
        shares = np.zeros(len(names))
        for of in asked:
            for name in of:
                shares[names == name] = 1 / (len(asked) * len(of) * np.sum(names == name))
        return shares


@dataclass(frozen=True, slots=True, eq=False)
class Exam:
    """Questions of some items, which seek these among all, stacked once for many fusions."""

    contents: Contents
    questions: Questions
    items: Stacked
    queries: Stacked
    targets: Stacked

    @classmethod
    def of(cls, contents: Contents, new: Mask | None = None, most: int = MOST) -> Exam:
        """Every question of the items ``new`` (items,), up to ``most``.

        They lie as if new, and others are settled, as where items come to a lake. Those of them
        that share a caption with a settled one do not ask: its projection knows their caption.
        None: all are new.
        """
        mine = np.ones(len(contents), dtype=np.bool_) if new is None else new
        known = np.isin(contents.groups, contents.groups[~mine])
        asked = every_question(contents, mine & ~known, most)
        return cls(
            contents,
            asked,
            whole(contents, mine),
            asked.queries(contents),
            asked.targets(contents),
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
    """The reciprocal rank by which fusions are compared (``Found.scores``)."""
    found = Found()
    found.add(exam, ranks_of(fusion, exam))
    return found.scores().get("RR", 0.0)


def best_of(found: Mapping[str, Found], order: Sequence[str], least: float) -> str:
    """The first of ``order``, unless a later one is better, surely and by ``least`` of RR.

    One by which single contents, as most queries are, find less than by the first, by more than
    ``least``, is not taken.
    By the rule of one standard error (Breiman et al., "Classification and Regression Trees",
    1984): what is simpler is taken while no more is sure.
    """
    winner = order[0]
    for name in order[1:]:
        gain, error = found[name].gain(found[winner])
        sure = gain > error and gain >= least
        if sure and found[name].finds_singles(found[order[0]], least):
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
