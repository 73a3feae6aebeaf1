"""Lists of items, best first, as one index or the words bring them up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mmcore.types import Ids

WORDS: Final = "words"
"""What a list of words is by; those of vectors are by a modality, or by ``fused``."""

NO_SEGMENT: Final = -1
"""The segment of an item that no segment brought up."""

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """Items, each once, best first; equal scores by smaller id.

    Args:
        by: what the list is by: a modality, ``fused`` or ``words``.
        item_ids: (n,) int64.
        scores: (n,) float64, falling; higher is better.
        segment_ids: (n,) int64, the segment that brought each item up, or ``NO_SEGMENT``.
    """

    by: str
    item_ids: Ids
    scores: Scores
    segment_ids: Ids

    @classmethod
    def of(
        cls, by: str, item_ids: Ids, scores: NDArray[Any], segment_ids: Ids | None = None
    ) -> Listed:
        """Of rows in any order: an item counts by its best one, of equals by the smaller segment.

        Without ``segment_ids`` no segment brought them up.
        """
        if segment_ids is None:
            segment_ids = np.full(len(item_ids), NO_SEGMENT, dtype=np.int64)
        scores = np.asarray(scores, dtype=np.float64)
        order = np.lexsort((segment_ids, item_ids, -scores))
        _, first = np.unique(item_ids[order], return_index=True)
        best = order[np.sort(first)]
        return cls(by, item_ids[best], scores[best], segment_ids[best])

    def __len__(self) -> int:
        return len(self.item_ids)

    def first(self, count: int) -> Listed:
        """The best ``count``."""
        cut = slice(count)
        return Listed(self.by, self.item_ids[cut], self.scores[cut], self.segment_ids[cut])

    def kept(self, mask: NDArray[np.bool_]) -> Listed:
        """Those that a mask (n,) keeps, in the same order."""
        if mask.all():
            return self
        return Listed(self.by, self.item_ids[mask], self.scores[mask], self.segment_ids[mask])
