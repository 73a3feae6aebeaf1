"""Rows by the content they are cut from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mmcore.evaluation.rounded import Places
from mmcore.training.rows import Rows


@dataclass(frozen=True, slots=True, eq=False)
class ByContent:
    """Places of rows by the content they are cut from."""

    contents: NDArray[np.str_]  # sorted
    places: Places

    @classmethod
    def of(cls, contents: NDArray[np.str_]) -> ByContent:
        """Sort the contents of rows."""
        order = np.argsort(contents, kind="stable")
        return cls(contents[order], order)

    def rows(self, content: str) -> Places:
        """Places of the rows of one content."""
        low = np.searchsorted(self.contents, content, side="left")
        high = np.searchsorted(self.contents, content, side="right")
        return self.places[low:high]


def contents_of(rows: Rows) -> NDArray[np.str_]:
    """Content ids as an array."""
    return np.array(rows.content_ids, dtype="U32") if len(rows) else np.zeros(0, dtype="U32")
