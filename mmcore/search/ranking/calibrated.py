"""Scores of different spaces, made comparable: how far above the usual of its index each lies.

Cosines of two towers lie near 0.3, those of one text model near 0.8, and both mean little by
themselves. The score of a row is told in standard deviations above the mean score that the query
has with a fixed sample of the index's rows, which does not depend on what is found.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from mmcore.search.ranking.lists import Scores
from mmcore.types import Ids, Vectors
from storage.indexes.files import Index

SAMPLE: Final = 1024
"""Rows of an index that stand for all of it."""

_SEED: Final = 0
_LEAST: Final = 1e-3  # of a spread: the scores of a lone row have none


@dataclass(frozen=True, slots=True)
class Scale:
    """The usual score of a query among the rows of an index."""

    mean: float
    spread: float
    most: float = np.inf  # what the row that is likest has, in deviations above the mean

    def comparable(self, scores: Scores) -> Scores:
        """Scores (n,) as standard deviations above the usual one."""
        return (scores - self.mean) / self.spread


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """A fixed sample of the rows of an index: unit vectors (m, d)."""

    vectors: Vectors

    @classmethod
    def of(cls, index: Index, held: Ids) -> Background:
        """``SAMPLE`` of the ids ``held``, at random and always the same ones; all, if fewer."""
        if len(held) > SAMPLE:
            held = np.sort(np.random.default_rng(_SEED).choice(held, SAMPLE, replace=False))
        return cls(index.vectors_of(held))

    def scale(self, vector: Vectors) -> Scale:
        """The usual score of a query (d,)."""
        scores = (self.vectors @ vector).astype(np.float64)
        scale = Scale(float(scores.mean()), max(float(scores.std()), _LEAST))
        return replace(scale, most=float(scale.comparable(scores).max()))
