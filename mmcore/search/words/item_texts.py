"""Which item has which texts: a text may serve several items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mmcore.search.words.terms import Floats
from mmcore.types import Ids

ByNumber = tuple[tuple[NDArray[np.int64], NDArray[np.int64]], ...]

FEW: Final = 8
"""Texts of an item up to which all items' first ones, second ones … are compared at once."""


@dataclass(frozen=True, slots=True, eq=False)
class ItemTexts:
    """Pairs of an item and a text, by item.

    Args:
        starts: (items + 1,) int64, where the pairs of each item begin.
        documents: (pairs,) int64, the texts' documents; of an item by their segments' ids.
        by_number: the items with a first text, a second one …, and where those pairs stand;
            none of the items that are ``long``.
        long: (n,) the items with more than ``FEW`` texts.
    """

    starts: NDArray[np.int64]
    documents: NDArray[np.int64]
    by_number: ByNumber
    long: NDArray[np.int64]

    @classmethod
    def of(cls, item_ids: Ids, segment_ids: Ids, items: Ids, segments: Ids) -> ItemTexts:
        """Of n rows of items and segments; ``items`` sorted, ``segments`` by document.

        A row whose segment is no document, or whose item is none, is left out.
        """
        order = np.lexsort((segment_ids, item_ids))
        item_ids, segment_ids = item_ids[order], segment_ids[order]
        known = np.isin(segment_ids, segments) & np.isin(item_ids, items)
        item_ids, segment_ids = item_ids[known], segment_ids[known]
        by_id = np.argsort(segments)
        documents = by_id[np.searchsorted(segments, segment_ids, sorter=by_id)]
        places = np.searchsorted(items, item_ids)
        starts = np.searchsorted(places, np.arange(len(items) + 1))
        return cls(starts, documents, *_by_number(starts))

    def pairs(self, items: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the pairs of n items stand, one after another, and how many each has (n,)."""
        counts = self.starts[items + 1] - self.starts[items]
        before = np.cumsum(counts) - counts
        return np.repeat(self.starts[items] - before, counts) + np.arange(counts.sum()), counts

    def maxima(self, scores: Floats) -> Floats:
        """(items,) the highest of each item's pairs, scored (pairs,); 0 where it has none."""
        found = np.zeros(len(self.starts) - 1, dtype=np.float32)
        for number, (items, pairs) in enumerate(self.by_number):
            mine = scores[pairs]
            found[items] = mine if not number else np.maximum(found[items], mine)
        if len(self.long):
            starts, ends = self.starts[self.long], self.starts[self.long + 1]
            rest = np.maximum.reduceat(scores, np.stack([starts, ends - 1], axis=1).ravel())[::2]
            found[self.long] = np.maximum(rest, scores[ends - 1])
        return found

    def best(self, items: NDArray[np.int64], scores: NDArray[Any]) -> NDArray[np.int64]:
        """(n,) the document of each item with the highest of ``scores``; -1 where none is above 0.

        ``scores``: by document. Of equals that of the smaller segment.
        """
        pairs, counts = self.pairs(items)
        rows, documents = np.repeat(np.arange(len(items)), counts), self.documents[pairs]
        order = np.lexsort((np.arange(len(rows)), -scores[documents], rows))
        order = order[scores[documents[order]] > 0]
        first, place = np.unique(rows[order], return_index=True)
        found = np.full(len(items), -1, dtype=np.int64)
        found[first] = documents[order[place]]
        return found


def _by_number(starts: NDArray[np.int64]) -> tuple[ByNumber, NDArray[np.int64]]:
    counts = np.diff(starts)
    short = np.where(counts > FEW, 0, counts)
    items = [np.flatnonzero(short > number) for number in range(int(short.max(initial=0)))]
    columns = tuple((mine, starts[mine] + number) for number, mine in enumerate(items))
    return columns, np.flatnonzero(counts > FEW)
