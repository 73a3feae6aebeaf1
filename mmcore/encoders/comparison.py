"""How alike two cells are: a kernel over groups of features, with its fitted statistics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.features import Features, Group, Reading, directions

GAMMA: Final = 4.0  # where nothing was chosen
_BLOCK: Final = 4_000_000  # numbers that a pairwise difference may hold at once

Kernel = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """``exp(-gamma * D)``, D the weighted mean of the groups' distances over typical ones."""

    reading: Reading
    centre: NDArray[np.float32]  # (d,)
    spread: NDArray[np.float32]  # (d,), 1 outside of scaled groups
    typical: NDArray[np.float32]  # (groups,)
    gamma: float = GAMMA

    @classmethod
    def fitted(cls, reading: Reading, features: Features) -> Comparison:
        """Means, deviations and typical distances of (n, d) ``features``."""
        centre = np.zeros(features.shape[1], dtype=np.float32)
        spread = np.ones(features.shape[1], dtype=np.float32)
        for group in reading.groups:
            columns = slice(group.start, group.stop)
            rows = _rooted(features[:, columns], group)
            centre[columns] = rows.mean(axis=0)
            if group.kind == "scaled":
                deviation = rows.std(axis=0)
                spread[columns] = deviation + 0.1 * deviation.mean() + 1e-6
        half = cls(reading, centre, spread, np.ones(len(reading.groups), dtype=np.float32))
        shaped = half.shaped(features)
        found = [_typical(g, shaped[:, g.start : g.stop]) for g in reading.groups]
        return cls(reading, centre, spread, np.array(found, dtype=np.float32))

    def shaped(self, features: Features) -> NDArray[np.float32]:
        """(n, d) features made ready to be compared: what a head keeps of its pairs."""
        shaped = np.empty(features.shape, dtype=np.float32)
        for group in self.reading.groups:
            columns = slice(group.start, group.stop)
            rows = _rooted(features[:, columns], group) - self.centre[columns]
            scaled = group.kind == "scaled"
            shaped[:, columns] = rows / self.spread[columns] if scaled else directions(rows)
        return shaped

    def kernel(
        self,
        left: NDArray[np.float32],
        right: NDArray[np.float32],
        *,
        relative: bool = False,
    ) -> Kernel:
        """(n, d) and (m, d) shaped features → (n, m), 1 for equal ones.

        ``relative``: each row is divided by its largest number, so that what is far from all is
        not lost to rounding; only directions may then be made of it.
        """
        apart = self.distances(left, right)
        if relative and apart.size:
            apart -= apart.min(axis=1, keepdims=True)
        return np.exp(-self.gamma * apart)

    def distances(self, left: NDArray[np.float32], right: NDArray[np.float32]) -> Kernel:
        """(n, d) and (m, d) shaped features → (n, m): D, 0 for equal ones."""
        total = np.zeros((len(left), len(right)))
        for group, typical in zip(self.reading.groups, self.typical, strict=True):
            columns = slice(group.start, group.stop)
            apart = _distances(group, left[:, columns], right[:, columns])
            total += group.weight / float(typical) * apart
        return total / sum(group.weight for group in self.reading.groups)


def _rooted(rows: Features, group: Group) -> Features:
    return directions(np.sqrt(np.maximum(rows, 0))) if group.kind == "root" else rows


def _distances(group: Group, left: Features, right: Features) -> Features:
    """Cosine distance, or the mean absolute difference of a scaled group: (n, m)."""
    if group.kind != "scaled":
        return 1 - left @ right.T
    apart = np.empty((len(left), len(right)), dtype=np.float32)
    step = max(1, _BLOCK // max(1, right.size))
    for start in range(0, len(left), step):
        block = left[start : start + step]
        apart[start : start + step] = np.abs(block[:, None] - right[None]).mean(axis=2)
    return apart


def _typical(group: Group, shaped: Features) -> float:
    """The median cosine distance, or the mean of a scaled group's differences; never zero."""
    apart = _distances(group, shaped, shaped)
    return max(float(apart.mean() if group.kind == "scaled" else np.median(apart)), 1e-6)
