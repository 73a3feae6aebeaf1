"""What one direction came to, query by query: of this all else is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mmcore.evaluation.measures import Scores
from mmcore.evaluation.ranking import Ranking
from mmcore.types import Ids

HELD_OUT: Final = "held-out"
"""The name of the lake's own query set."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """One direction of one query set; row i of everything belongs to ``queries[i]``."""

    set: str  # HELD_OUT, or a user's
    name: str  # "text:zh→image", "withheld→image", "index:image-e5-small/p1", "pairs:zh→en"
    queries: tuple[str, ...]
    """Content id; query id of a user's set; "item/side" of withheld. Each once, sorted."""
    groups: Ids
    """(q,) queries of one group are not independent: the smallest of all items that captions join,
    or of those that are right for a user's queries."""
    categories: tuple[str | None, ...]  # the first label of the own item
    languages: tuple[str | None, ...]  # of a text
    masks: tuple[str | None, ...]  # of fused vectors: what the right item has, "image+text"
    gallery: int  # items that can be found
    kind: str  # "exact", or the kind of the index that was asked
    scores: Scores  # measure → (q,) float64; a query without a result is 0
    ranking: Ranking  # found ≤ depth, hits, relevant, first, sizes
    top: tuple[str, ...]  # label of the first hit; "" where there is none

    @property
    def label(self) -> str:
        """How rules, findings and files name it: those of a user's set with the set before it."""
        return self.name if self.set == HELD_OUT else f"{self.set}/{self.name}"

    def take(self, places: Sequence[int]) -> Outcome:
        """Some of the queries, in that order."""
        chosen = list(places)
        return Outcome(
            self.set,
            self.name,
            tuple(self.queries[place] for place in chosen),
            self.groups[chosen],
            tuple(self.categories[place] for place in chosen),
            tuple(self.languages[place] for place in chosen),
            tuple(self.masks[place] for place in chosen),
            self.gallery,
            self.kind,
            {name: values[chosen] for name, values in self.scores.items()},
            self.ranking.take(chosen),
            tuple(self.top[place] for place in chosen),
        )

    def at(self, queries: Sequence[str]) -> Outcome:
        """Those of ``queries`` that were asked, in the order given."""
        place = {query: number for number, query in enumerate(self.queries)}
        return self.take([place[query] for query in queries if query in place])

    def means(self) -> dict[str, float]:
        """The mean of each measure over the queries; {} of none."""
        if not self.queries:
            return {}
        return {name: float(np.mean(values)) for name, values in self.scores.items()}


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One direction over all that the snapshot holds, and over what its baseline holds, too."""

    full: Outcome
    common: Outcome | None = None  # None: there is no baseline
