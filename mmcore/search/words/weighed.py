"""What each word weighs in each document, by BM25: one sort, and NumPy over all at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

K1: Final = 1.5
B: Final = 0.75
NAME_K1: Final = 0.2
"""In a name a word counts nearly whole as soon as it is there, in a short one the most."""

_WORD: Final = np.int64(32)  # bits above a document's number
_DOCUMENT: Final = np.int64((1 << 32) - 1)


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """A matrix of words by documents, word after word, as bm25s holds one.

    Args:
        starts: (words + 1,) int64, where the entries of each word begin.
        documents: (n,) int32, ascending within a word.
        weights: (n,) float32: ``idf * tf / (tf + k1 * (1 - b + b * length / mean length))``.
        count: of documents.
    """

    starts: NDArray[np.int64]
    documents: NDArray[np.int32]
    weights: NDArray[np.float32]
    count: int

    def of(self, word: int) -> slice:
        """Where the entries of a word lie."""
        return slice(int(self.starts[word]), int(self.starts[word + 1]))

    def frequencies(self, words: NDArray[np.int64]) -> NDArray[np.int64]:
        """(n,) in how many documents each of n words stands."""
        found: NDArray[np.int64] = self.starts[words + 1] - self.starts[words]
        return found

    def idf(self, frequencies: NDArray[np.int64]) -> NDArray[np.float64]:
        """How rare words are that stand in so many documents (Lucene's form)."""
        return _idf(frequencies, self.count)


def packed(words: NDArray[np.int32], documents: NDArray[np.int32]) -> NDArray[np.int64]:
    """(n,) int64 of n words at once: the word's number above, the document's below."""
    return (words.astype(np.int64) << _WORD) | documents


def weigh(
    occurrences: NDArray[np.int64], lengths: NDArray[np.int64], texts: int, words: int
) -> Weighed:
    """The matrix of all ``occurrences``, which ``packed`` made; they are sorted in place.

    ``lengths``: (documents,), in words. The first ``texts`` documents are texts, the others names:
    each kind has its own mean length, and its own k1. BM25 as Lucene has it (Kamphuis et al.,
    2020), without its constant factor of k1 + 1. Holds some 30 bytes an occurrence.
    """
    occurrences.sort()
    fresh = np.ones(len(occurrences), dtype=bool)
    np.not_equal(occurrences[1:], occurrences[:-1], out=fresh[1:])
    first = np.flatnonzero(fresh)
    times = np.diff(first, append=len(occurrences)).astype(np.float32)
    pairs = occurrences[first]
    documents = (pairs & _DOCUMENT).astype(np.int32)
    frequencies = np.bincount(pairs >> _WORD, minlength=words)
    starts = np.concatenate([[0], np.cumsum(frequencies)])
    rare = _idf(frequencies, len(lengths)).astype(np.float32)
    rest = _saturation(lengths, texts)[documents]
    weights = np.repeat(rare, frequencies) * (times / (times + rest))
    return Weighed(starts, documents, weights, len(lengths))


def _idf(frequencies: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    rarity: NDArray[np.float64] = np.log1p((count - frequencies + 0.5) / (frequencies + 0.5))
    return rarity


def _saturation(lengths: NDArray[np.int64], texts: int) -> NDArray[np.float32]:
    """(documents,) what is added to a word's count below the line: more in a long document."""
    found = np.empty(len(lengths), dtype=np.float32)
    for part, k1 in ((slice(texts), K1), (slice(texts, None), NAME_K1)):
        mine = lengths[part]
        mean = mine.mean() if mine.any() else 1.0
        found[part] = k1 * (1 - B + B * mine / mean)
    return found
