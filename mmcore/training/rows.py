"""Rows: vectors of a lake with the items they serve; what training and evaluation are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmcore.types import Ids, Vectors


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """One row for each (segment, item): a segment that serves two items has two."""

    item_ids: Ids  # (n,) int64
    segment_ids: Ids  # (n,) int64
    content_ids: tuple[str, ...]
    languages: tuple[str | None, ...]
    texts: tuple[str | None, ...]
    vectors: Vectors  # (n, d) float32
    keys: tuple[str, ...] | None = None  # hashed caption keys, where no texts are kept
    derived: NDArray[np.bool_] | None = None  # (n,) of texts: read or heard, so no captions

    def __post_init__(self) -> None:
        lengths = {
            "segment ids": len(self.segment_ids),
            "content ids": len(self.content_ids),
            "languages": len(self.languages),
            "texts": len(self.texts),
            "vectors": len(self.vectors),
            "keys": len(self.item_ids) if self.keys is None else len(self.keys),
            "marks": len(self.item_ids) if self.derived is None else len(self.derived),
        }
        for name, length in lengths.items():
            if length != len(self.item_ids):
                raise ValueError(f"{len(self.item_ids)} item ids, {length} {name}")

    def __len__(self) -> int:
        return len(self.item_ids)

    @classmethod
    def empty(cls, dim: int) -> Rows:
        """No row, of ``dim`` columns."""
        ids = np.zeros(0, dtype=np.int64)
        return cls(ids, ids, (), (), (), np.zeros((0, dim), dtype=np.float32))

    def take(self, which: NDArray[Any]) -> Rows:
        """The rows that a mask (n,) bool or positions name, in that order."""
        positions = np.flatnonzero(which) if which.dtype == np.bool_ else which
        order = positions.tolist()
        return Rows(
            self.item_ids[positions],
            self.segment_ids[positions],
            tuple(self.content_ids[i] for i in order),
            tuple(self.languages[i] for i in order),
            tuple(self.texts[i] for i in order),
            self.vectors[positions],
            None if self.keys is None else tuple(self.keys[i] for i in order),
            None if self.derived is None else self.derived[positions],
        )

    def captions(self) -> Rows:
        """The rows that are somebody's text about an item: all, where none is derived."""
        return self if self.derived is None else self.take(~self.derived)
