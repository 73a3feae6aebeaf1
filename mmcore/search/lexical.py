"""The words of what is asked with, beside its vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from mmcore.search.ranking.lists import NO_SEGMENT, WORDS, Listed, Scores
from mmcore.types import Ids


class Lexical(Protocol):
    """The words of a snapshot, as ``mmcore.search.words.bm25.Lexicon`` has them."""

    def search(self, words: Sequence[str], k: int, allowed_items: Ids | None = None) -> Listed:
        """At most ``k`` items that have some of these words."""

    def matched(self, item: int, words: Sequence[str]) -> tuple[str, ...]:
        """Those of the words that an item has."""

    def ceiling(self, words: Sequence[str]) -> float:
        """No item scores more than this for these words."""


@dataclass(frozen=True, slots=True)
class Said:
    """The words of one text that is asked with, and how much it counts."""

    words: tuple[str, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class Wording:
    """What a search asks of the words of the lake.

    The score of an item is the share of a text's words that it has, rare ones counting more; of
    several texts the mean by their weights, from which those with a weight below 0 take away.
    """

    lexicon: Lexical
    said: tuple[Said, ...]

    def listed(self, count: int, items: Ids | None, without: Ids) -> Listed:
        """The ``count`` best items with one of the words of a text of positive weight.

        ``items`` may be found (None: all), ``without`` may not.
        """
        depth = count + len(without)
        lists = [
            self.lexicon.search(one.words, depth, items) for one in self.said if one.weight > 0
        ]
        found = np.unique(np.concatenate([np.empty(0, np.int64), *(o.item_ids for o in lists)]))
        found = found[~np.isin(found, without)]
        scores, segments = self.scores(found)
        return Listed.of(WORDS, found, scores, segments).first(count)

    def scores(self, items: Ids) -> tuple[Scores, Ids]:
        """The score of each of the sorted ``items`` (n,), 0 without a word, and its segment."""
        total = np.zeros(len(items))
        segments = np.full(len(items), NO_SEGMENT, dtype=np.int64)
        best = np.zeros(len(items))
        for one in self.said if len(items) else ():
            ceiling = self.lexicon.ceiling(one.words)
            if ceiling <= 0:  # the lake has none of them
                continue
            found = self.lexicon.search(one.words, len(items), items)
            place = np.searchsorted(items, found.item_ids)
            shares = one.weight * found.scores / ceiling
            total[place] += shares
            better = shares > best[place]
            segments[place[better]] = found.segment_ids[better]
            best[place[better]] = shares[better]
        return total / sum(one.weight for one in self.said if one.weight > 0), segments

    def matched(self, item: int) -> tuple[str, ...]:
        """The words of positive texts that an item has, each once, in the order asked."""
        words = [word for one in self.said if one.weight > 0 for word in one.words]
        return self.lexicon.matched(item, [*dict.fromkeys(words)])
