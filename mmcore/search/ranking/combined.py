"""Several things that are asked with → one vector of a space."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mmcore.errors import ConfigError
from mmcore.types import Vectors, unit_rows


def combined(
    vectors: Sequence[Vectors], weights: Sequence[float], mean: Vectors | None = None
) -> Vectors:
    """The unit vector (d,) of the sum of unit vectors (d,) by their weights.

    Vectors of one space have much in common, which says nothing of one among the others. With
    ``mean`` (d,), that of the space, it is left out of each before they are added: else what is
    subtracted takes more of it away than was asked for. A lone vector stays as it is. Raises
    ConfigError where nothing is left.
    """
    if len(vectors) == 1:
        return vectors[0]
    rows = np.stack(vectors).astype(np.float64)
    if mean is not None:
        rows -= mean
    total = np.asarray(weights, dtype=np.float64) @ rows
    if np.linalg.norm(total) < _NOTHING * np.abs(weights).sum():
        raise ConfigError("what is asked with cancels itself: weigh its parts otherwise")
    vector: Vectors = unit_rows(total[None])[0]
    return vector


_NOTHING = 1e-4  # of the weights: what float32 leaves of a vector less itself
