"""All words of a snapshot, to be looked up: Arrow's strings, without a Python object each."""

from __future__ import annotations

from bisect import bisect_left

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


class Vocabulary:
    """Word → its number, and the words that hold a character."""

    def __init__(self, words: pa.Array) -> None:
        """Of (n,) distinct words in the order of their numbers."""
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

    def holding(self, part: str) -> NDArray[np.int64]:
        """The numbers of the words that hold ``part``, ascending; looks at all words."""
        found = np.asarray(pc.match_substring(self._words, part)).astype(bool)
        numbers: NDArray[np.int64] = np.sort(self._numbers[found].astype(np.int64))
        return numbers
