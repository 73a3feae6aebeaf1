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
        """The mean over all queries of all directions."""
        every = np.concatenate([*self.by.values(), np.zeros(0)])
        return float(every.mean()) if len(every) else 0.0

    def to_scores(self) -> dict[str, float]:
        """Mean reciprocal ranks by direction, and the one that decides."""
        told = {
            f"RR {way.replace('·', side)}": round(float(found.mean()), 4)
            for (side, way), found in sorted(self.by.items())
            if len(found)
        }
        return {"RR": round(self.score(), 4), **told}


def measured(placed: Placed, world: World, fitted: tuple[Placed, World] | None = None) -> Found:
    """Ask ``world`` in all directions: captions and contents as ``placed`` has them.

    Captions of each language → contents, contents → captions of the first language that there is,
    and captions of each further language → those of the first. Items with equal caption keys are
    equally right. The gallery is all that there is of ``world``; and once more, with all that was
    ``fitted`` on beside it, as in a lake. What a head has seen lies nearer to its captions than
    what it has not, so a way can be good at the one and bad at the other.
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
            if fitted is not None:
                by |= _among(side.name, (placed, rows, key), fitted, there)
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


def _among(
    name: str,
    asked: tuple[Placed, NDArray[np.int64], NDArray[np.object_]],
    fitted: tuple[Placed, World],
    there: list[str],
) -> dict[tuple[str, str], Ranks]:
    """The same questions, with what was fitted on in the gallery, too."""
    (placed, rows, key), (seen, world) = asked, fitted
    place = {item: row for row, item in enumerate(world.keys)}
    side = next(side for side in world.sides if side.name == name)
    known = np.array([place[item] for item in side.item_ids.tolist()], dtype=np.int64)
    keys = np.array(list(world.keys.values()), dtype=object)[known]
    contents = np.concatenate([placed.contents[name], seen.contents[name]])
    every, by = np.concatenate([key[rows], keys]), {}
    for number, language in enumerate(there):
        said = placed.said[language][rows]
        has = _has(said)
        by[name, f"{language}→·, all"] = _ranks(said[has] @ contents.T, key[rows[has]], every)
        if not number:
            other = seen.said[language][known]
            also = _has(other)
            texts = np.concatenate([said[has], other[also]])
            of = np.concatenate([key[rows[has]], keys[also]])
            back = placed.contents[name][has] @ texts.T
            by[name, f"·→{language}, all"] = _ranks(back, key[rows[has]], of)
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
