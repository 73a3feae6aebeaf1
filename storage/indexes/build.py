"""Build an index whose ids are the rows' own ids."""

from __future__ import annotations

import hashlib

import faiss
import numpy as np
from numpy.typing import NDArray


def build_index(ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> faiss.Index:
    """An exact inner-product index over ``vectors`` (n, d) under ``ids`` (n,).

    Raises ValueError for ids that come twice or do not fit the vectors.
    """
    if vectors.ndim != 2 or len(ids) != len(vectors):  # noqa: PLR2004 - a matrix
        raise ValueError(f"{len(ids)} ids, vectors of {vectors.shape}")
    unique, counts = np.unique(ids, return_counts=True)
    if np.any(counts > 1):
        raise ValueError(f"id {unique[counts > 1][0]} comes {counts.max()} times")
    index = faiss.IndexIDMap2(faiss.IndexFlatIP(vectors.shape[1]))
    index.add_with_ids(
        np.ascontiguousarray(vectors, dtype=np.float32), np.ascontiguousarray(ids, dtype=np.int64)
    )
    return index


def build_name(ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> str:
    """Name a build by what goes into it, 16 hex digits: the same rows need no new build."""
    hasher = hashlib.sha256(f"flat-1\0{vectors.shape}\0".encode())
    hasher.update(np.ascontiguousarray(ids, dtype=np.int64).data)
    hasher.update(np.ascontiguousarray(vectors, dtype=np.float32).data)
    return hasher.hexdigest()[:16]
