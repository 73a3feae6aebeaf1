"""Cells and the features in them: homogeneous coordinates, and how a head reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from mmcore.types import Vectors, unit_rows

Features = NDArray[np.floating[Any]]
_TINY: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Group:
    """Columns ``start:stop`` of the features, and how a head compares them.

    ``centred``: less their mean, by cosine. ``root``: the same of their square roots at length 1
    (Hellinger, 1909; for what is never negative). ``scaled``: less the mean, over the deviation,
    by the mean absolute difference.
    """

    start: int
    stop: int
    kind: Literal["centred", "root", "scaled"] = "centred"
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Reading:
    """How features are read from a cell.

    ``constant`` is the last homogeneous coordinate, or None where a cell is its features.
    """

    groups: tuple[Group, ...]
    constant: float | None = None

    def features(self, cells: Vectors) -> Features:
        """(n, dim) cells → (n, features); of a mean of cells, a weighted mean of features."""
        if self.constant is None:
            return cells
        return cells[:, :-1] * (self.constant / np.maximum(cells[:, -1:], _TINY))


def reading_of(encoder: object, dim: int) -> Reading:
    """The ``reading`` that an encoder declares; without one, its cells are just unit vectors."""
    declared = getattr(encoder, "reading", None)
    return declared if isinstance(declared, Reading) else Reading((Group(0, dim),))


def homogeneous(features: Features, constant: float) -> Vectors:
    """(n, d) features → (n, d + 1) unit rows ``[f, constant] / length``, which keep all of f."""
    last = np.full((len(features), 1), constant, dtype=np.float32)
    return unit_rows(np.concatenate([np.asarray(features, dtype=np.float32), last], axis=1))


def directions(rows: Features) -> Features:
    """Rows scaled to length 1; a zero row stays zero."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))
