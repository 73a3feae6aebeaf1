"""The words of one query, weighed in a lake once, for all that a search asks of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """A word of a query where it is found: documents (n,), ascending, and what it weighs there."""

    word: str
    number: int | None  # None: not one of the vocabulary, but a character inside several
    documents: NDArray[np.int32]
    weights: Scores

    def stands_in(self, documents: NDArray[np.int32]) -> NDArray[np.bool_]:
        """(n,) which of n ``documents`` have it; of this type, or all of its own are copied."""
        places = self.documents.searchsorted(documents)
        places[places == len(self.documents)] = 0
        found: NDArray[np.bool_] = self.documents[places] == documents
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Allowed:
    """Which texts are looked at, where not all are: (texts,), as those of one language."""

    texts: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What some words come to.

    Args:
        terms: each of the words once, where it stands anywhere.
        unknown: how many words stand nowhere.
        documents: (documents,) the sum of what they weigh in each.
        items: (items,) the same of each item.
        found: places of the items that score above 0, ascending.
    """

    terms: tuple[Term, ...]
    unknown: int
    documents: Scores
    items: Scores
    found: NDArray[np.int64]
