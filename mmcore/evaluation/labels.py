"""The label of an item: scores are told by it, and what was found is compared by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mmcore.types import Ids
from storage.snapshot import Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """The first label of each item that has one."""

    item_ids: Ids  # sorted
    labels: tuple[str, ...]

    @classmethod
    def of(cls, snapshot: Snapshot) -> Labels:
        """Those of a snapshot; none of a private one: they are words of its owner's."""
        if snapshot.manifest.private:
            return cls(np.zeros(0, dtype=np.int64), ())
        rows = snapshot.rows("items", ["item_id", "labels"]).sort_by("item_id")
        every = rows["labels"].to_pylist()
        has = [place for place, labels in enumerate(every) if labels]
        return cls(rows["item_id"].to_numpy()[has], tuple(str(every[p][0]) for p in has))

    def first(self, items: Sequence[int]) -> tuple[str | None, ...]:
        """The first label of each of ``items``; None of one that has none."""
        wanted = np.array(items, dtype=np.int64)
        places = np.searchsorted(self.item_ids, wanted).tolist()
        return tuple(
            self.labels[place]
            if place < len(self.labels) and self.item_ids[place] == item
            else None
            for place, item in zip(places, items, strict=True)
        )
