"""What is not wanted: what lies near to it goes down, and all else stays where it is.

A vector less another one leads elsewhere where the one is a kind of the other: animals less sheep
are pianos. So the order is by what is wanted, and only what is like the unwanted loses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from mmcore.search.ranking.calibrated import Scale
from mmcore.search.ranking.combined import combined
from mmcore.search.ranking.lists import Scores
from mmcore.types import Vectors

_NEAR: Final = 3.0  # standard deviations above the usual from which on something is like it
_SHARE: Final = 0.6  # or of what the likest has, where nothing is so near
_LOSS: Final = 2.0  # for each deviation beyond


@dataclass(frozen=True, slots=True, eq=False)
class Away:
    """What a query in one space does not want.

    Args:
        less: the unit vector (d,) of all parts, those taken away: it finds what else there is.
        vectors: (d,) of each part that is not wanted.
        weights: of these, beside 1 of the part that is wanted most; above 0.
    """

    less: Vectors
    vectors: tuple[Vectors, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Aim:
    """The unit vector (d,) of what is wanted, and what is not."""

    vector: Vectors
    away: Away | None = None

    @classmethod
    def of(cls, vectors: Sequence[Vectors], weights: Sequence[float]) -> Aim:
        """Of the parts' unit vectors (d,); ConfigError where they cancel each other."""
        pairs = [*zip(vectors, weights, strict=True)]
        wanted = [(vector, weight) for vector, weight in pairs if weight > 0]
        unwanted = [(vector, weight) for vector, weight in pairs if weight < 0]
        vector = combined(*_apart(wanted))
        if not unwanted:
            return cls(vector)
        most = max(weight for _, weight in wanted)
        found, taken = _apart(unwanted)
        away = Away(
            combined(vectors, weights), (*found,), (*(-weight / most for weight in taken),)
        )
        return cls(vector, away)


def loss(scores: Scores, scale: Scale) -> Scores:
    """What items (n,) lose by their scores with something unwanted, in standard deviations.

    Nothing where they have none (NaN), or none that is far above the usual.
    """
    near = np.nan_to_num(scale.comparable(scores), nan=-np.inf)
    lost: Scores = _LOSS * np.maximum(near - min(_NEAR, _SHARE * scale.most), 0.0)
    return lost


def _apart(pairs: Sequence[tuple[Vectors, float]]) -> tuple[list[Vectors], list[float]]:
    return [vector for vector, _ in pairs], [weight for _, weight in pairs]
