"""Success@k and reciprocal rank on held-out items while a network learns.

The numbers of ``mmcore.evaluation.measures``, which stands above training and may not be asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mmcore.training.loop.stopping import check_vectors
from mmcore.types import Vectors

CUTOFFS: Final = (1, 5, 10)
_BLOCK_SCORES: Final = 8_000_000  # float32 scores held at once: 32 MB
_DIGITS: Final = 6  # equal vectors must tie, whatever the last bits of a product are

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """Vectors of one modality: row ``i`` is of the item at place ``items[i]``."""

    items: Places  # (n,)
    vectors: Vectors  # (n, d) unit rows

    def take(self, rows: NDArray[np.bool_]) -> Side:
        """Some of the rows."""
        return Side(self.items[rows], self.vectors[rows])


def groups_of(keys: Sequence[str]) -> Places:
    """(n,) a number for each item; items of equal captions have the same, "" is no caption."""
    numbers: dict[str, int] = {}
    found = [
        numbers.setdefault(key or f"\0{place}", len(numbers)) for place, key in enumerate(keys)
    ]
    return np.array(found, dtype=np.int64)


def ranks(queries: Side, gallery: Side, groups: Places) -> Places:
    """(q,) the rank, from 1, of the best right item of each query that has one in the gallery.

    An item scores by its best row; right are the items of the query's group (``groups_of``). Of
    equal scores the item at the smaller place comes first. TrainingError for vectors that are not
    finite.
    """
    check_vectors(queries.vectors, gallery.vectors)
    order = np.argsort(gallery.items, kind="stable")
    items, starts = np.unique(gallery.items[order], return_index=True)
    asked = queries.take(np.isin(groups[queries.items], groups[items]))
    if not len(asked.items):
        return np.zeros(0, dtype=np.int64)
    step = max(1, _BLOCK_SCORES // len(order))
    found = []
    for low in range(0, len(asked.items), step):
        scores = asked.vectors[low : low + step] @ gallery.vectors[order].T
        best: Vectors = np.maximum.reduceat(scores, starts, axis=1)
        right = groups[asked.items[low : low + step], None] == groups[items][None]
        found.append(_first(np.round(best, _DIGITS, out=best), right))
    return np.concatenate(found)


def _first(scores: NDArray[np.float32], right: NDArray[np.bool_]) -> Places:
    """(q, n) scores, and which are right, one at least of each row → (q,) ranks."""
    goal = np.where(right, scores, -np.inf).max(axis=1, keepdims=True)
    tied = scores == goal
    place = np.argmax(right & tied, axis=1)[:, None]
    before = tied & (np.arange(scores.shape[1])[None] < place)
    found: Places = 1 + (scores > goal).sum(axis=1) + before.sum(axis=1)
    return found


def measured(found: Places) -> dict[str, float]:
    """``Success@k`` of each of ``CUTOFFS`` and ``RR``, means over at least one query."""
    scores = {f"Success@{k}": float(np.mean(found <= k)) for k in CUTOFFS}
    return {**scores, "RR": float(np.mean(1 / found))}


def directions(sides: Mapping[str, Side], groups: Places) -> dict[str, dict[str, float]]:
    """The measures of each direction, ``text→image`` and so on, that has a query."""
    scores: dict[str, dict[str, float]] = {}
    for one, other in permutations(sides, 2):
        found = ranks(sides[one], sides[other], groups)
        if len(found):
            scores[f"{one}→{other}"] = measured(found)
    return scores


def mean(scores: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """The mean of each measure over directions; nothing where there are none."""
    if not scores:
        return {}
    names = next(iter(scores.values()))
    return {name: float(np.mean([of[name] for of in scores.values()])) for name in names}


def accuracies(predicted: Places, labels: Places) -> dict[str, float]:
    """``accuracy`` over items with a label, and its mean over classes; -1 is no label."""
    known = labels >= 0
    if not known.any():
        return {}
    hit = predicted[known] == labels[known]
    classes = np.unique(labels[known])
    each = [float(np.mean(hit[labels[known] == one])) for one in classes]
    return {"accuracy": float(np.mean(hit)), "mean class accuracy": float(np.mean(each))}
