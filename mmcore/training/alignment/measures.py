"""What a way is worth on pairs that it was not fitted on: reciprocal ranks, by direction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.features import Features
from mmcore.encoders.heads import LANGUAGES
from mmcore.training.alignment.parts import Placed
from mmcore.training.alignment.world import World
from mmcore.training.ridge import ranks

Ranks = NDArray[np.float64]
TEXTS = "text"


@dataclass(frozen=True, slots=True)
class Found:
    """Reciprocal ranks of held-out queries: by side (TEXTS: captions among themselves) and way."""

    by: Mapping[tuple[str, str], Ranks]  # (side, "en→") …

    def score(self) -> float:
        """The mean over all queries of all directions from one medium to another.

        Captions among themselves count where there is nothing else: they are the easier part, and
        would outvote what training is for.
        """
        across = [found for (side, _), found in self.by.items() if side != TEXTS]
        every = np.concatenate([*(across or self.by.values()), np.zeros(0)])
        return float(every.mean()) if len(every) else 0.0

    def to_scores(self) -> dict[str, float]:
        """Mean reciprocal ranks by direction, and the one that decides."""
        told = {
            f"RR {way.replace('·', side)}": round(float(found.mean()), 4)
            for (side, way), found in sorted(self.by.items())
            if len(found)
        }
        return {"RR": round(self.score(), 4), **told}


def measured(placed: Placed, world: World) -> Found:
    """Ask ``world`` in all directions: captions and contents as ``placed`` has them.

    Captions of each language → contents, contents → captions of the first language that there is,
    and captions of each further language → those of the first. Items with equal caption keys are
    equally right. The gallery is all that there is of ``world``.
    """
    keys = world.keys
    key = np.array(list(keys.values()), dtype=object)
    place = {item: row for row, item in enumerate(keys)}
    there = [name for name in LANGUAGES if np.any(placed.said[name])]
    by: dict[tuple[str, str], Ranks] = {}
    for side in world.sides:
        if side.name in placed.contents and len(side):
            rows = np.array([place[item] for item in side.item_ids.tolist()])
            by |= _side(side.name, placed, rows, key, there)
    for name in there[1:]:
        asked, gallery = (_has(placed.said[n]) for n in (name, there[0]))
        scores = placed.said[name][asked] @ placed.said[there[0]][gallery].T
        by[TEXTS, f"{name}→{there[0]}"] = _ranks(scores, key[asked], key[gallery])
    return Found(by)


def _side(
    name: str, placed: Placed, rows: NDArray[np.int64], key: NDArray[np.object_], there: list[str]
) -> dict[tuple[str, str], Ranks]:
    contents, by = placed.contents[name], {}
    for number, language in enumerate(there):
        said = placed.said[language][rows]
        has = _has(said)
        scores = said[has] @ contents.T
        by[name, f"{language}→·"] = _ranks(scores, key[rows[has]], key[rows])
        if not number:
            back = contents[has] @ said[has].T
            by[name, f"·→{language}"] = _ranks(back, key[rows[has]], key[rows[has]])
    return by


def _has(said: Features) -> NDArray[np.int64]:
    return np.flatnonzero(np.any(said != 0, axis=1))


def _ranks(scores: Features, asked: NDArray[np.object_], gallery: NDArray[np.object_]) -> Ranks:
    same = asked[:, None] == gallery[None]
    right = same.any(axis=1)
    return ranks(scores[right], same[right])


def together(found: Iterable[Found]) -> Found:
    """What several folds reached, as one."""
    by: dict[tuple[str, str], list[Ranks]] = {}
    for one in found:
        for way, reached in one.by.items():
            by.setdefault(way, []).append(reached)
    return Found({way: np.concatenate(reached) for way, reached in by.items()})
