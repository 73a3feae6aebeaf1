"""The lists of one search, blended: items in order, and what each list said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mmcore.search.among import among
from mmcore.search.ranking.blended import Column, best_first, convex, rrf
from mmcore.search.ranking.lists import Scores
from mmcore.types import Ids


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Items, each once, best first; equal scores by smaller id.

    Args:
        items: (n,) int64.
        scores: (n,) falling, but where a further stage of the search begins, or for variety.
        columns: what each list says of them, in the same order.
        duplicates: (n,) nearly equal items that each stands for, beside its own.
    """

    items: Ids
    scores: Scores
    columns: tuple[Column, ...]
    duplicates: NDArray[np.int64]

    @classmethod
    def of(cls, items: Ids, columns: Sequence[Column], method: Literal["convex", "rrf"]) -> Ranked:
        """Blend the lists of these items; a lone list keeps its scores as they are."""
        if len(columns) == 1:
            scores = columns[0].scores
        else:
            scores = convex(columns) if method == "convex" else rrf(columns)
        none = np.zeros(len(items), dtype=np.int64)
        return cls(items, scores, (*columns,), none).take(best_first(items, scores))

    def __len__(self) -> int:
        return len(self.items)

    def take(self, places: NDArray[np.intp] | slice) -> Ranked:
        """The items at these places, in that order."""
        columns = tuple(column.take(places) for column in self.columns)
        return Ranked(self.items[places], self.scores[places], columns, self.duplicates[places])

    def then(self, other: Ranked) -> Ranked:
        """These, and behind them what else ``other`` has of the same lists."""
        other = other.take(np.flatnonzero(~among(other.items, np.sort(self.items))))
        pairs = zip(self.columns, other.columns, strict=True)
        return Ranked(
            np.concatenate([self.items, other.items]),
            np.concatenate([self.scores, other.scores]),
            tuple(one.then(behind) for one, behind in pairs),
            np.concatenate([self.duplicates, other.duplicates]),
        )
