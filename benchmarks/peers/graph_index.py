"""hnswlib and usearch: build, then search at several ``ef``: recall and rate.

    python benchmarks/peers/graph_index.py hnswlib|usearch POINTS QUERIES EXACT

Files as ``autofaiss_index.py`` takes them. Prints JSON, one entry an ``ef``. M 16 and
ef_construction 200 and 128, as each library's README has them. Imports nothing of mmindex.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable

import numpy as np

EFS = (32, 64, 128, 256)


def main(library: str, points: str, queries: str, exact: str) -> None:
    """Build once, ask with each ``ef``."""
    base, asked, right = np.load(points), np.load(queries), np.load(exact)
    began = time.perf_counter()
    search = {"hnswlib": hnswlib_of, "usearch": usearch_of}[library](base)
    built = time.perf_counter() - began
    told = []
    for ef in EFS:
        found = search(asked, right.shape[1], ef)
        began = time.perf_counter()
        search(asked, right.shape[1], ef)
        took = time.perf_counter() - began
        recall = np.mean(
            [len(np.intersect1d(a, b)) / len(b) for a, b in zip(found, right, strict=True)]
        )
        told.append({"ef": ef, "recall": float(recall), "rate": len(asked) / took})
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"type": library, "build_s": built, "peak_mb": peak, "found": told}))


def hnswlib_of(base: np.ndarray) -> Callable[[np.ndarray, int, int], np.ndarray]:
    """Inner product, float32."""
    import hnswlib

    index = hnswlib.Index(space="ip", dim=base.shape[1])
    index.init_index(len(base), M=16, ef_construction=200)
    index.add_items(base)

    def search(asked: np.ndarray, k: int, ef: int) -> np.ndarray:
        index.set_ef(ef)
        return index.knn_query(asked, k)[0]

    return search


def usearch_of(base: np.ndarray) -> Callable[[np.ndarray, int, int], np.ndarray]:
    """Inner product, bfloat16, which is its fastest type on this kind of processor."""
    from usearch.index import Index

    index = Index(
        ndim=base.shape[1], metric="ip", dtype="bf16", connectivity=16, expansion_add=128
    )
    index.add(np.arange(len(base)), base)

    def search(asked: np.ndarray, k: int, ef: int) -> np.ndarray:
        index.expansion_search = ef
        return index.search(asked, k).keys

    return search


if __name__ == "__main__":
    main(*sys.argv[1:])
