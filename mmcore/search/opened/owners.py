"""Which items the segments of a medium serve, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmcore.search.ranking.lists import Listed
from mmcore.types import Ids


@dataclass(frozen=True, slots=True, eq=False)
class Owners:
    """The pairs of segments and items, once by each; all (n,) int64.

    A segment serves several items where they have a content in common.
    """

    segments: Ids  # sorted
    owners: Ids  # of ``segments``
    items: Ids  # sorted
    owned: Ids  # segments of ``items``
    known: Ids  # the items, sorted, each once

    @classmethod
    def of(cls, item_ids: Ids, segment_ids: Ids) -> Owners:
        """Of pairs in any order."""
        by_segment = np.lexsort((item_ids, segment_ids))
        by_item = np.lexsort((segment_ids, item_ids))
        return cls(
            segment_ids[by_segment],
            item_ids[by_segment],
            item_ids[by_item],
            segment_ids[by_item],
            np.unique(item_ids),
        )

    def listed(self, by: str, segment_ids: Ids, scores: NDArray[Any]) -> Listed:
        """The items that these segments serve, each by its best one."""
        places, rows = _matches(self.segments, segment_ids)
        return Listed.of(by, self.owners[places], scores[rows], segment_ids[rows])

    def segments_of(self, item_ids: Ids) -> tuple[Ids, Ids]:
        """Segments (m,) of these items, and (m,) the place in ``item_ids`` of each one's item."""
        places, rows = _matches(self.items, item_ids)
        return self.owned[places], rows

    def items_of(self, segment_ids: Ids) -> Ids:
        """The items that these segments serve, sorted, each once."""
        places, _ = _matches(self.segments, segment_ids)
        found: Ids = np.unique(self.owners[places])
        return found


def _matches(known: Ids, wanted: Ids) -> tuple[Ids, Ids]:
    """Places in the sorted ``known``, which may repeat, that equal one of ``wanted``: which."""
    low = np.searchsorted(known, wanted, side="left")
    counts = np.searchsorted(known, wanted, side="right") - low
    rows = np.repeat(np.arange(len(wanted)), counts)
    within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    return low[rows] + within, rows
