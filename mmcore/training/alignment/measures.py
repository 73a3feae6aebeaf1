"""What a way is worth on pairs that it was not fitted on: reciprocal ranks, by direction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.features import Features
from mmcore.encoders.heads import LANGUAGES
from mmcore.training.alignment.parts import Placed
from mmcore.training.alignment.world import World
from mmcore.training.naming import Sameness
from mmcore.training.ridge import ranks

Ranks = NDArray[np.float64]
Keys = NDArray[np.int64]
Places = tuple[Features, Sameness]
"""(n, d) vectors, and what is right for whom."""


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Reciprocal ranks of one direction's held-out queries, and the groups of their items."""

    ranks: Ranks  # (q,)
    keys: Keys  # (q,)


@dataclass(frozen=True, slots=True)
class Found:
    """Answers by direction (``en→zh``); those among all that was fitted on end in ``, all``."""

    by: Mapping[str, Answers]

    def score(self) -> float:
        """The mean of the directions' means, as a verdict on models has it."""
        means = [answers.ranks.mean() for answers in self.by.values() if len(answers.ranks)]
        return float(np.mean(means)) if means else 0.0

    def gain(self, other: Found) -> tuple[float, float]:
        """By how much the score is above that of ``other`` on the same queries: mean, error.

        The standard error is over groups of items: what a caption is asked for in several
        directions and galleries goes up and down together.
        """
        apart = {
            way: answers.ranks - other.by[way].ranks
            for way, answers in self.by.items()
            if len(answers.ranks)
        }
        if not apart:
            return 0.0, 0.0
        weighed = [(d - d.mean()) / (len(apart) * len(d)) for d in apart.values()]
        keys = np.concatenate([self.by[way].keys for way in apart])
        _, place = np.unique(keys, return_inverse=True)
        of_key = np.bincount(place, np.concatenate(weighed))
        mean = float(np.mean([d.mean() for d in apart.values()]))
        return mean, float(np.sqrt(np.sum(of_key**2)))

    def to_scores(self) -> dict[str, float]:
        """Mean reciprocal ranks by direction, and the one that decides."""
        told = {
            f"RR {way}": round(float(answers.ranks.mean()), 4)
            for way, answers in sorted(self.by.items())
            if len(answers.ranks)
        }
        return {"RR": round(self.score(), 4), **told}


def measured(placed: Placed, world: World, fitted: tuple[Placed, World] | None = None) -> Found:
    """Ask ``world`` in all directions: captions and contents as ``placed`` has them.

    From the captions of each language and from each side's contents to each other of these. Items
    of one group are equally right, and for a tag all that have it. The gallery is all that there
    is of ``world``; and once more, with all that was ``fitted`` on beside it, as in a lake. What a
    head has seen lies nearer to its captions than what it has not, so a way can be good at the one
    and bad at the other. Both have to be parts of one world.
    """
    mine = dict(_groups(placed, world))
    seen = {} if fitted is None else dict(_groups(*fitted))
    by: dict[str, Answers] = {}
    for source, target in permutations(mine, 2):
        way = source, target
        by[f"{source}→{target}"] = _asked(way, mine[source], [mine[target]])
        if target in seen:
            gallery = [mine[target], seen[target]]
            by[f"{source}→{target}, all"] = _asked(way, mine[source], gallery)
    return Found(by)


def _groups(placed: Placed, world: World) -> Iterator[tuple[str, Places]]:
    """What can be asked with and sought: languages and sides."""
    same = world.naming.same
    for language in LANGUAGES:
        said = placed.said[language]
        has = np.flatnonzero(np.any(said != 0, axis=1))
        if len(has):
            yield language, (said[has], same.take(has))
    for side in world.sides:
        if side.name in placed.contents and len(side):
            yield (
                side.name,
                (
                    placed.contents[side.name],
                    world.naming.rows(side.item_ids.tolist()),
                ),
            )


def _asked(way: tuple[str, str], queries: Places, gallery: list[Places]) -> Answers:
    """Those that have something right there ask all of it."""
    asked, same = queries
    right = np.concatenate([same.right(of, *way) for _, of in gallery], axis=1)
    some = right.any(axis=1)
    scores = asked[some] @ np.concatenate([vectors for vectors, _ in gallery]).T
    return Answers(ranks(scores, right[some]), same.codes[some])


def together(found: Iterable[Found]) -> Found:
    """What several folds reached, as one."""
    by: dict[str, list[Answers]] = {}
    for one in found:
        for way, answers in one.by.items():
            by.setdefault(way, []).append(answers)
    return Found(
        {
            way: Answers(
                np.concatenate([a.ranks for a in several]),
                np.concatenate([a.keys for a in several]),
            )
            for way, several in by.items()
        }
    )
