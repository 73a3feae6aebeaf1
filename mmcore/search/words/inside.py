"""Chinese characters inside words: a 小猫 is a 猫, a 大熊猫 is none, and they look alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mmcore.search.words.telling import holder
from mmcore.search.words.terms import Term
from mmcore.search.words.vocabulary import Vocabulary
from mmcore.search.words.weighed import Weighed

_COMMON: Final = 4  # in more than one document of so many no character is looked for in words
_FEW: Final = 1000  # but in so many it always is
_PART: Final = 0.1  # of what a character weighs that is a word, where it is inside one
_NONE: Final = np.empty(0, dtype=np.int64)


class Inside:
    """Finds characters in the words of a lake."""

    def __init__(self, words: pa.Array, vocabulary: Vocabulary, weighed: Weighed) -> None:
        """``words``: (n,) in the order of their numbers."""
        self._words, self._vocabulary, self._weighed = words, vocabulary, weighed

    def term(self, character: str) -> Term | None:
        """A character where it stands in words; None if in none, or in too many texts.

        It weighs what the words' counts and the texts' lengths say, and is as rare as the texts
        that have any of them. Where it is no word by itself it weighs a part of that.
        """
        weighed = self._weighed
        words = self._vocabulary.holding(character)
        frequencies = weighed.frequencies(words)
        if not 0 < frequencies.sum() <= max(_FEW, weighed.count // _COMMON):
            return None
        entries, numbers = self._entries(words)
        parts = weighed.weights[entries] / np.repeat(weighed.idf(frequencies), frequencies)
        number = self._vocabulary.find(character)
        own = numbers == (-1 if number is None else number)
        parts[~own] *= _PART
        weights, whole = np.zeros(weighed.count), np.zeros(weighed.count, dtype=bool)
        np.maximum.at(weights, weighed.documents[entries], parts)
        whole[weighed.documents[entries[own]]] = True
        documents = np.flatnonzero(weights)  # what a word weighs is above 0
        rare = weighed.idf(np.array([len(documents)]))
        found = (weights[documents] * rare).astype(np.float32)
        return Term(character, None, documents.astype(np.int32), found, whole[documents])

    def holding(
        self, character: str, documents: NDArray[np.int32], owners: NDArray[np.int64]
    ) -> dict[int, str]:
        """Owner → the word that holds a character in its documents: n pairs, each has one.

        Of several that which ``holder`` chooses.
        """
        entries, numbers = self._entries(self._vocabulary.holding(character))
        wanted = np.zeros(self._weighed.count, dtype=bool)
        wanted[documents] = True
        of_document = self._weighed.documents[entries]
        kept = wanted[of_document]
        told = self._words.take(pa.array(numbers[kept])).to_pylist()
        found = _grouped(zip(of_document[kept].tolist(), told, strict=True))
        pairs = zip(owners.tolist(), documents.tolist(), strict=True)
        held = _grouped((owner, word) for owner, document in pairs for word in found[document])
        return {owner: holder(character, words) for owner, words in held.items()}

    def _entries(self, words: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Where the entries (n,) of some words lie, and (n,) the word of each."""
        spans = (np.arange(one.start, one.stop) for one in map(self._weighed.of, words))
        return np.concatenate([_NONE, *spans]), np.repeat(words, self._weighed.frequencies(words))


def _grouped(pairs: Iterable[tuple[int, str]]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for owner, word in pairs:
        found.setdefault(owner, []).append(word)
    return found
