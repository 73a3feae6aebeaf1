"""Vectors like those of models, clustered and stretched, and queries with a gap to them."""

from __future__ import annotations

import numpy as np

from storage.indexes.questions import Questions


def clustered(n: int, d: int, q: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(n, d) rows and (q, d) queries of length 1: clusters, axes of i^-.5, shifted queries."""
    rng = np.random.default_rng(seed)
    scale = np.arange(1, d + 1) ** -0.5
    centres = rng.standard_normal((max(2, n // 50), d)) * scale
    mean = rng.standard_normal(d) * scale / 2

    def drawn(count: int) -> np.ndarray:
        near = centres[rng.integers(0, len(centres), count)]
        return near + 0.7 * rng.standard_normal((count, d)) * scale + mean

    rows, queries = drawn(n), drawn(q)
    size = np.linalg.norm(rows, axis=1).mean() / np.sqrt(d)
    queries += size * (0.8 * rng.standard_normal(d) + 0.6 * rng.standard_normal((q, d)))
    return _unit(rows), _unit(queries)


def ids_of(n: int, seed: int = 0) -> np.ndarray:
    """(n,) sorted 63-bit ids."""
    return np.unique(np.random.default_rng(seed).integers(0, 2**63 - 1, n))


def asked(queries: np.ndarray) -> Questions:
    """Texts in both languages, by turns."""
    return Questions(queries, np.array(["text zh", "text en"])[np.arange(len(queries)) % 2])


def _unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
