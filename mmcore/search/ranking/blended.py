"""Several lists of items → one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mmcore.search.ranking.lists import WORDS, Listed, Scores
from mmcore.types import Ids

RRF: Final = 60
"""The constant of reciprocal rank fusion (Cormack, Clarke and Büttcher, SIGIR 2009)."""


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """What one list says of the items of all lists.

    Args:
        by: as in ``Listed``.
        scores: (n,) made comparable; NaN for an item that the list cannot score.
        segment_ids: (n,) the best segment of each item in that list, or ``NO_SEGMENT``.
        ranks: (n,) its place in the list, from 1 on; 0: it was not among those found.
        weight: of the list.
    """

    by: str
    scores: Scores
    segment_ids: Ids
    ranks: NDArray[np.int64]
    weight: float

    def take(self, places: NDArray[np.intp] | slice) -> Column:
        """What it says of the items at these places, in that order."""
        return replace(
            self,
            scores=self.scores[places],
            segment_ids=self.segment_ids[places],
            ranks=self.ranks[places],
        )

    def then(self, other: Column) -> Column:
        """The same list's column of some items, and behind them of others."""
        return replace(
            self,
            scores=np.concatenate([self.scores, other.scores]),
            segment_ids=np.concatenate([self.segment_ids, other.segment_ids]),
            ranks=np.concatenate([self.ranks, other.ranks]),
        )


def union(lists: Sequence[Listed]) -> Ids:
    """The items of all lists, sorted."""
    found: Ids = np.unique(
        np.concatenate([np.empty(0, np.int64), *(one.item_ids for one in lists)])
    )
    return found


def ranks(listed: Listed, items: Ids) -> NDArray[np.int64]:
    """The place of each of the sorted ``items`` in a list, from 1 on; 0 where it is not in it."""
    found = np.zeros(len(items), dtype=np.int64)
    found[np.searchsorted(items, listed.item_ids)] = np.arange(1, len(listed) + 1)
    return found


def convex(columns: Sequence[Column]) -> Scores:
    """The weighted mean of the comparable scores (n,) of all lists.

    Of lists of vectors the mean is over those that have something of an item: one that has no
    sound is not the worse for it (measured, that found more than to take a low or the usual score
    there). An item that none has counts as a usual one. A text without a word of the query has
    said what it says. Why scores and not ranks: Bruch, Gai and Ingber, TOIS 2023.
    """
    of_words = [column for column in columns if column.by == WORDS]
    of_vectors = [column for column in columns if column.by != WORDS]
    total = np.sum([column.weight * column.scores for column in of_words], axis=0)
    if of_vectors:
        weights = np.array([[column.weight] for column in of_vectors])
        scores = np.stack([column.scores for column in of_vectors])
        there = ~np.isnan(scores)
        sums = np.sum(weights * np.where(there, scores, 0.0), axis=0)
        present = np.sum(weights * there, axis=0)
        total = total + weights.sum() * sums / np.where(present > 0, present, 1.0)
    blended: Scores = total
    return blended


def rrf(columns: Sequence[Column]) -> Scores:
    """Reciprocal rank fusion (n,): the sum of ``weight / (60 + rank)`` where an item was found."""
    parts = [
        np.where(column.ranks > 0, column.weight / (RRF + column.ranks), 0.0) for column in columns
    ]
    scores: Scores = np.sum(parts, axis=0)
    return scores


def best_first(items: Ids, scores: Scores) -> NDArray[np.intp]:
    """The order (n,) of items by score; of equal ones the smaller id comes first."""
    return np.lexsort((items, -scores))
