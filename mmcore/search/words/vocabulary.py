"""All words of a snapshot, to be looked up: Arrow's strings, without a Python object each."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_CHARACTER: Final = np.uint64(32)  # bits above a word's number
_NUMBER: Final = np.uint64((1 << 32) - 1)


class Vocabulary:
    """Word → its number, and the words that hold a character."""

    def __init__(self, words: pa.Array) -> None:
        """Of (n,) distinct words in the order of their numbers."""
        self._held = _characters(words)
        order = pc.sort_indices(words)
        self._numbers: NDArray[np.uint64] = order.to_numpy()
        self._words = words.take(order)  # by bytes, which is by code points, as Python compares

    def __len__(self) -> int:
        return len(self._words)

    def find(self, word: str) -> int | None:
        """The number of a word; None where it stands nowhere."""
        at = bisect_left(range(len(self)), word, key=lambda place: self._words[place].as_py())
        if at == len(self) or self._words[at].as_py() != word:
            return None
        return int(self._numbers[at])

    def holding(self, character: str) -> NDArray[np.int64]:
        """The numbers of the words that hold one character beyond ASCII, ascending."""
        first = np.uint64(ord(character)) << _CHARACTER
        low, high = np.searchsorted(self._held, [first, first + (np.uint64(1) << _CHARACTER)])
        numbers: NDArray[np.int64] = (self._held[low:high] & _NUMBER).astype(np.int64)
        return numbers


def _characters(words: pa.Array) -> NDArray[np.uint64]:
    """(n,) sorted: each character above a word's number, once, of all words that are not ASCII."""
    wide = np.flatnonzero(~np.asarray(pc.string_is_ascii(words)).astype(bool))
    some = words.take(pa.array(wide))
    lengths = pc.utf8_length(some).to_numpy()
    points = np.frombuffer("".join(some.to_pylist()).encode("utf-32-le"), dtype="<u4")
    numbers = np.repeat(wide.astype(np.uint64), lengths)
    return np.unique((points.astype(np.uint64) << _CHARACTER) | numbers)
