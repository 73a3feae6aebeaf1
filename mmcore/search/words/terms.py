"""The words of one query, weighed in a lake once, for all that a search asks of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
"""Weights, scores and shares: of four bytes, as there are some of each text and item."""

INSIDE: Final = 0.7
"""How much of a word a text has that has it inside a longer one: 猫 in 大熊猫."""


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """A word of a query where it is found.

    Args:
        word: one of the vocabulary, or a Chinese character that stands in some of them.
        number: of the word; None of a character inside words, if it is one by itself or not.
        documents: (n,), ascending, those that have it.
        weights: (n,) what it weighs there.
        whole: (n,) where a character is a word by itself; None: a word always is.
    """

    word: str
    number: int | None
    documents: NDArray[np.int32]
    weights: Floats
    whole: NDArray[np.bool_] | None = None

    def shares(self, documents: NDArray[np.int32]) -> Floats:
        """(n,) how much of it each of n ``documents`` has: 1, or less inside another word.

        ``documents`` are of this type, or all of its own are copied.
        """
        places = self.documents.searchsorted(documents)
        places[places == len(self.documents)] = 0
        there = self.documents[places] == documents
        shares: Floats = there.astype(np.float32)
        if self.whole is not None:
            shares[there & ~self.whole[places]] = INSIDE
        return shares

    def own_shares(self) -> Floats:
        """(n,) the same of its own documents."""
        shares = np.ones(len(self.documents), dtype=np.float32)
        if self.whole is not None:
            shares[~self.whole] = INSIDE
        return shares


@dataclass(frozen=True, slots=True, eq=False)
class Allowed:
    """Which texts are looked at, where not all are: (texts,), as those of one language."""

    texts: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class WeighedQuery:
    """What some words come to.

    Args:
        terms: each of the words once, where it stands anywhere.
        unknown: how many words stand nowhere, each as far as it counts (``absent``).
        documents: (documents,) the sum of what they weigh in each.
        items: (items,) the same of each item.
        found: places of the items that score above 0, ascending.
    """

    terms: tuple[Term, ...]
    unknown: float
    documents: Floats
    items: Floats
    found: NDArray[np.int64]
