"""Vectors that an index can be measured with: clustered, anisotropic, and queries across a gap.

Isotropic noise proves nothing: all points of it are about equally far. Encoders' vectors lie in
clusters, along few directions, around a mean; and queries of another modality lie beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CLUSTERS = 2000
SPREAD = 0.7  # of points around their cluster's middle
OFFSET = 0.5  # length of the mean that all have, over a point's
GAP = 0.8  # the same of what lies between queries and points
QUERY_NOISE = 0.6
BLOCK = 50_000

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """Where points and queries come from; equal seeds make equal worlds."""

    centres: Vectors  # (c, d)
    scale: Vectors  # (d,) of each axis
    turn: Vectors  # (d, d)
    mean: Vectors  # (d,)
    gap: Vectors  # (d,)

    @classmethod
    def of(cls, dim: int, seed: int = 0) -> World:
        """A world of ``dim`` dimensions, whose axes fall as the root of their number."""
        rng = np.random.default_rng(seed)
        scale = (np.arange(1, dim + 1) ** -0.5).astype(np.float32)
        turn = np.linalg.qr(rng.standard_normal((dim, dim)))[0].astype(np.float32)
        centres = rng.standard_normal((CLUSTERS, dim), dtype=np.float32) * scale
        length = float(np.sqrt((1 + SPREAD**2) * np.square(scale).sum()))

        def direction(share: float) -> Vectors:
            drawn = rng.standard_normal(dim, dtype=np.float32)
            return (drawn / np.linalg.norm(drawn) * share * length).astype(np.float32)

        return cls(centres, scale, turn, direction(OFFSET), direction(GAP))

    def points(self, n: int, seed: int) -> Vectors:
        """(n, d) of length 1."""
        found = np.empty((n, len(self.scale)), dtype=np.float32)
        for start, raw in self._raw(n, seed):
            found[start : start + len(raw)] = self._ended(raw)
        return found

    def queries(self, n: int, seed: int) -> Vectors:
        """(n, d) of length 1: points that the world might have, seen from across the gap."""
        rng = np.random.default_rng([seed, 1])
        found = np.empty((n, len(self.scale)), dtype=np.float32)
        for start, raw in self._raw(n, seed):
            noise = rng.standard_normal(raw.shape, dtype=np.float32) * self.scale * QUERY_NOISE
            found[start : start + len(raw)] = self._ended(raw + self.gap + noise)
        return found

    def _raw(self, n: int, seed: int) -> Iterator[tuple[int, Vectors]]:
        rng = np.random.default_rng(seed)
        for start in range(0, n, BLOCK):
            size = min(BLOCK, n - start)
            of = rng.integers(0, len(self.centres), size)
            noise = rng.standard_normal((size, len(self.scale)), dtype=np.float32)
            yield start, self.centres[of] + SPREAD * noise * self.scale + self.mean

    def _ended(self, raw: Vectors) -> Vectors:
        turned = raw @ self.turn
        return turned / np.linalg.norm(turned, axis=1, keepdims=True)


def ids_of(n: int, seed: int = 0) -> NDArray[np.int64]:
    """(n,) sorted row ids as a lake has them: 63 bits, each once."""
    rng = np.random.default_rng([seed, 2])
    found = np.unique(rng.integers(0, 1 << 62, n + n // 100 + 16))
    return np.sort(rng.choice(found, n, replace=False))


def repeated(base: Vectors, n: int, jitter: float, seed: int = 0) -> Vectors:
    """(n, d): the rows of ``base`` again and again, each moved by ``jitter`` of its length."""
    rng = np.random.default_rng(seed)
    found = np.empty((n, base.shape[1]), dtype=np.float32)
    for start in range(0, n, BLOCK):
        rows = base[np.arange(start, min(start + BLOCK, n)) % len(base)]
        noise = rng.standard_normal(rows.shape, dtype=np.float32)
        moved = rows + jitter * noise / np.sqrt(base.shape[1])
        found[start : start + len(rows)] = moved / np.linalg.norm(moved, axis=1, keepdims=True)
    return found


def kept(folder: Path, name: str, made: Vectors) -> Path:
    """Write an array where another process maps it."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.npy"
    np.save(path, made)
    return path
