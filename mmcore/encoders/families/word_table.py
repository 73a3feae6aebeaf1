"""Words of a text, and the vectors that a table has of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from mmcore.media.texts.language import HAN
from mmcore.media.texts.variants import simplified
from mmcore.media.texts.words import words
from mmcore.types import Vectors

SIF: Final = 1e-3
_HAN_WORD: Final = re.compile(f"[{HAN}]+")
_LETTERS: Final = re.compile(rf"[^\W\d_{HAN}]+")

Hit = tuple[int, float]
"""A row of a table, and what it weighs."""


def words_of(text: str, dictionaries: Sequence[str] = ()) -> list[str]:
    """The words of ``text`` in order, by jieba; no punctuation, unless there is nothing else.

    Jieba cuts at each letter that is neither Han nor ASCII: a word with such a one stays whole
    here (café, Straße).
    """
    found: list[str] = []
    start = 0
    for match in _LETTERS.finditer(text):
        if not match.group().isascii():
            found += words(text[start : match.start()], dictionaries)
            found.append(match.group())
            start = match.end()
    found += words(text[start:], dictionaries)
    said = [word for word in found if any(map(str.isalnum, word))]
    return said or found


def places_of(vocabulary: Sequence[str]) -> dict[str, int]:
    """Word → its first row; one in traditional characters is found by simplified ones too."""
    places: dict[str, int] = {}
    for row, word in enumerate(vocabulary):
        places.setdefault(word, row)
    for row, word in enumerate(simplified("\n".join(vocabulary)).split("\n")):
        places.setdefault(word, row)
    return places


@dataclass(frozen=True, slots=True, eq=False)
class WordTable:
    """Vectors of words; ``weights`` are SIF's where counts are known, else None."""

    places: Mapping[str, int]
    vectors: NDArray[Any]  # (words, d), float16 or float32, perhaps mapped from a file
    weights: NDArray[np.float32] | None = None  # (words,)

    @classmethod
    def of(
        cls,
        vocabulary: Sequence[str],
        vectors: NDArray[Any],
        counts: NDArray[np.int64] | None = None,
    ) -> WordTable:
        """``counts``: how often each word occurred where the vectors were trained."""
        weights = None
        if counts is not None:
            weights = (SIF / (SIF + counts / max(1, counts.sum()))).astype(np.float32)
        return cls(places_of(vocabulary), vectors, weights)

    def find(self, word: str) -> list[Hit]:
        """As written, else in lower case, else of Han the characters; nothing where unknown."""
        row = self.places.get(word, self.places.get(word.lower()))
        if row is not None:
            return [(row, self._weight(row))]
        if not _HAN_WORD.fullmatch(word):
            return []
        rows = [self.places[one] for one in word if one in self.places]
        return [(row, self._weight(row) / len(rows)) for row in rows]

    def _weight(self, row: int) -> float:
        return 1.0 if self.weights is None else float(self.weights[row])

    def sums(self, texts: Sequence[Sequence[Hit]]) -> Vectors:
        """(n, d): the weighted sum of each text's words, one of which it has at least."""
        rows = np.array([row for hits in texts for row, _ in hits])
        weights = np.array([weight for hits in texts for _, weight in hits], dtype=np.float32)
        starts = np.cumsum([0, *(len(hits) for hits in texts)])[:-1]
        weighted = self.vectors[rows].astype(np.float32) * weights[:, None]
        return np.asarray(np.add.reduceat(weighted, starts, axis=0), dtype=np.float32)
