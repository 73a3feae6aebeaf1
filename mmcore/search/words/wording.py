"""The words of what is asked with, beside its vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from mmcore.search.among import among
from mmcore.search.ranking.lists import NO_SEGMENT, WORDS, Listed, Scores
from mmcore.types import Ids

_ALL: Final = 12.0  # what all words are worth, in standard deviations
_STEEP: Final = 4


class Lexical(Protocol):
    """The words of a snapshot, as ``mmcore.search.words.bm25.Lexicon`` has them."""

    def within(self, segments: Ids) -> Lexical:
        """The same, where of all texts only those of the sorted ``segments`` are looked at."""

    def search(self, words: Sequence[str], k: int, allowed_items: Ids | None = None) -> Listed:
        """At most ``k`` items that have some of these words."""

    def fitting(
        self, words: Sequence[str], k: int, steep: int, allowed_items: Ids | None = None
    ) -> Ids:
        """At most ``k`` items, by their score times their coverage to the power of ``steep``."""

    def matched(self, items: Ids, words: Sequence[str]) -> list[tuple[str, ...]]:
        """Those of the words that each item has."""

    def coverage(self, words: Sequence[str], items: Ids) -> Scores:
        """The share of the words that each item has, rare ones counting more: (n,), 0 to 1."""


@dataclass(frozen=True, slots=True)
class Said:
    """The words of one text that is asked with, and how much it counts."""

    words: tuple[str, ...]
    weight: float


@dataclass(frozen=True, slots=True)
class Wording:
    """What a search asks of the words of the lake.

    The score of an item is what the share of a text's words that it has is worth, times how near
    it comes by BM25 to the item that fits best. A share is worth little before it is almost all:
    most texts have some word of a sentence. Of several texts the score is the mean by their
    weights, from which those with a weight below 0 take away. Words ``alone`` go by BM25 as it is.
    """

    lexicon: Lexical
    said: tuple[Said, ...]
    alone: bool = False

    def weigh(self) -> None:
        """Work out now what the searches that follow need of the words; it is kept for a while."""
        for one in self.said:
            self.lexicon.search(one.words, 1)

    def listed(self, count: int, items: Ids | None, without: Ids) -> Listed:
        """The ``count`` best items with one of the words of a text of positive weight.

        ``items`` may be found (None: all), the sorted ``without`` may not.
        """
        depth = count + len(without)
        steep = 0 if self.alone else _STEEP
        lists = [
            self.lexicon.fitting(one.words, depth, steep, items)
            for one in self.said
            if one.weight > 0
        ]
        found = np.unique(np.concatenate([np.empty(0, np.int64), *lists]))
        found = found[~among(found, without)]
        scores, segments = self.scores(found)
        return Listed.of(WORDS, found, scores, segments).first(count)

    def scores(self, items: Ids) -> tuple[Scores, Ids]:
        """The score of each of the sorted ``items`` (n,), 0 without a word, and its segment."""
        total, best = np.zeros(len(items)), np.zeros(len(items))
        segments = np.full(len(items), NO_SEGMENT, dtype=np.int64)
        for one in self.said if len(items) else ():
            found = self.lexicon.search(one.words, len(items), items)
            place = np.searchsorted(items, found.item_ids)
            worth = one.weight * self._worth(one.words, found)
            total[place] += worth
            better = worth > best[place]
            segments[place[better]] = found.segment_ids[better]
            best[place[better]] = worth[better]
        return total / sum(one.weight for one in self.said if one.weight > 0), segments

    def _worth(self, words: Sequence[str], found: Listed) -> Scores:
        """What the items found for some words are worth, beside scores made comparable: (n,)."""
        if not len(found):
            return found.scores
        best = self.lexicon.search(words, 1).scores[0]  # of all items, whatever may be found
        near: Scores = _ALL * found.scores / best
        if self.alone:
            return near
        shares = np.minimum(self.lexicon.coverage(words, found.item_ids), 1.0)
        worth: Scores = near * shares**_STEEP
        return worth

    def matched(self, items: Ids) -> list[tuple[str, ...]]:
        """The words of positive texts that each item has, each once, in the order asked."""
        words = [word for one in self.said if one.weight > 0 for word in one.words]
        return self.lexicon.matched(items, [*dict.fromkeys(words)])
