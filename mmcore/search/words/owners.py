"""Which item has which texts: a text may serve several items."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmcore.types import Ids

Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Owners:
    """Pairs of an item and a text, by item.

    Args:
        starts: (items + 1,) int64, where the pairs of each item begin.
        documents: (pairs,) int64, the texts' documents; of an item by their segments' ids.
    """

    starts: NDArray[np.int64]
    documents: NDArray[np.int64]

    @classmethod
    def of(cls, item_ids: Ids, segment_ids: Ids, items: Ids, segments: Ids) -> Owners:
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
        return cls(starts, documents)

    def texts(self, item: int) -> NDArray[np.int64]:
        """The documents of the item at a place."""
        return self.documents[self.starts[item] : self.starts[item + 1]]

    def pairs(self, items: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the pairs of n items stand, one after another, and how many each has (n,)."""
        counts = self.starts[items + 1] - self.starts[items]
        before = np.cumsum(counts) - counts
        return np.repeat(self.starts[items] - before, counts) + np.arange(counts.sum()), counts

    def maxima(self, scores: Scores) -> Scores:
        """(items,) the highest of each item's pairs, scored (pairs,); 0 where it has none."""
        found = np.zeros(len(self.starts) - 1, dtype=np.float32)
        having = np.flatnonzero(np.diff(self.starts))
        if len(having):
            found[having] = np.maximum.reduceat(scores, self.starts[having])
        return found

    def best(self, items: NDArray[np.int64], scores: NDArray[Any]) -> NDArray[np.int64]:
        """(n,) the document of each item with the highest of ``scores``; -1 where none is above 0.

        ``scores``: by document. Of equals that of the smaller segment.
        """
        found = np.full(len(items), -1, dtype=np.int64)
        for row, item in enumerate(items.tolist()):
            texts = self.texts(item)
            if len(texts) and scores[texts].max() > 0:
                found[row] = texts[scores[texts].argmax()]
        return found
