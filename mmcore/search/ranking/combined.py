"""Several things that are asked with → one vector of a space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from mmcore.errors import ConfigError
from mmcore.search.notes import Note
from mmcore.types import Vectors, unit_rows

_NOTHING: Final = 1e-4  # of the weights: what float32 leaves of a vector less itself


def combined(vectors: Sequence[Vectors], weights: Sequence[float]) -> Vectors:
    """The unit vector (d,) of the sum of unit vectors (d,) by their weights.

    A weight below 0 takes away. What all vectors of a space have in common is not left out
    first: measured, that found no more of what was asked for, and less in some spaces. A lone
    vector stays as it is. Raises ConfigError where nothing is left.
    """
    if len(vectors) == 1:
        return vectors[0]
    total = np.asarray(weights, dtype=np.float64) @ np.stack(vectors).astype(np.float64)
    if np.linalg.norm(total) < _NOTHING * np.abs(weights).sum():
        raise ConfigError(Note("cancels"))
    vector: Vectors = unit_rows(total[None])[0]
    return vector
