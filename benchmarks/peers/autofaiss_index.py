"""autofaiss's ``build_index`` under budgets, then search: recall and rate.

    python benchmarks/peers/autofaiss_index.py POINTS QUERIES EXACT MEMORY LATENCY_MS

POINTS (n, d) and QUERIES (q, d) are ``.npy`` of float32 and length 1, EXACT (q, k) the positions
of the true nearest. MEMORY is as autofaiss takes it, such as ``300MB``.
Prints JSON. Imports nothing of mmindex.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time

import faiss
import numpy as np
from autofaiss import build_index


def main(points: str, queries: str, exact: str, memory: str, latency: str) -> None:
    """Build under the budgets, and ask."""
    base, asked, right = np.load(points), np.load(queries), np.load(exact)
    began = time.perf_counter()
    index, told = build_index(
        base,
        save_on_disk=False,
        metric_type="ip",
        max_index_memory_usage=memory,
        current_memory_available="12GB",
        max_index_query_time_ms=float(latency),
        min_nearest_neighbors_to_retrieve=right.shape[1],
        nb_cores=os.cpu_count(),
        verbose=30,
    )
    built = time.perf_counter() - began
    found = index.search(asked, right.shape[1])[1]
    rates = []
    for _ in range(5):
        began = time.perf_counter()
        index.search(asked, right.shape[1])
        rates.append(len(asked) / (time.perf_counter() - began))
    faiss.omp_set_num_threads(1)
    single = []
    for row in asked[:200]:
        began = time.perf_counter()
        index.search(row[None], right.shape[1])
        single.append(time.perf_counter() - began)
    recall = np.mean(
        [len(np.intersect1d(a, b)) / len(b) for a, b in zip(found, right, strict=True)]
    )
    print(
        json.dumps(
            {
                "type": str(told["index_key"]),
                "parameters": str(told["index_param"]),
                "recall": float(recall),
                "rate": float(np.median(rates)),
                "latency_ms": float(np.median(single)) * 1000,
                "build_s": built,
                "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
