"""Measuring 20,000 queries in 200,000 items, beside exact search by faiss alone.

Each side runs in a process of its own, with warm vectors; what is timed is ranking, all measures,
and the files of the outcome, against the search for as many neighbours as ranks are kept.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import faiss
import numpy as np

from benchmarks.index_data import World, ids_of
from benchmarks.measured import Figures, in_process, measured
from mmcore.evaluation import measures
from mmcore.evaluation.outcomes import HELD_OUT, Outcome
from mmcore.evaluation.ranking import Gallery, Overrides, Ranking, Within, rank, rank_both
from mmcore.evaluation.reporting.runs import write_queries, write_runs
from mmcore.specs import EvaluationSpec

QUERIES, ITEMS, DIM, DEPTH = 20_000, 200_000, 384, 100
COMMON = 0.99  # of the items, in a baseline
TURNS = 3
WARM = 256  # queries before the clock starts
SIDES = ("rank", "rank, two galleries", "faiss")


def scale(
    folder: Path, *, queries: int, items: int, threads: tuple[int, ...], turns: int = TURNS
) -> Iterator[dict[str, Any]]:
    """One row for each number of threads; sides take turns."""
    data = folder / f"scale-{queries}-{items}"
    if not (data / "right.npy").exists():  # not in this process: its peak is that of its children
        in_process("benchmarks.gate_scale", data, "make", queries, items)
    for count in threads:
        found: dict[str, list[Figures]] = {side: [] for side in SIDES}
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        env = {name: str(count) for name in names}
        for _ in range(turns):
            for side, runs in found.items():
                runs.append(in_process("benchmarks.gate_scale", data, side, env=env))
        alone = median(run["wall_s"] for run in found["faiss"])
        for side, runs in found.items():
            seconds = [run["wall_s"] for run in runs]
            yield {
                "threads": count,
                "what": side,
                "seconds": round(median(seconds), 2),
                "least": min(seconds),
                "most": max(seconds),
                "of faiss": round(median(seconds) / alone, 2),
                "peak_mb": max(run["peak_mb"] for run in runs),
                **{name: runs[-1][name] for name in ("rank_s", "measures_s") if name in runs[-1]},
            }


def make(place: Path, queries: int, items: int) -> None:
    """Points, queries near some of them, and what is right: one to six items each."""
    place.mkdir(parents=True, exist_ok=True)
    rng, world = np.random.default_rng(5), World.of(DIM)
    points = world.points(items, 1)
    own = rng.integers(0, items, queries)
    asked = points[own] + 0.8 * world.queries(queries, 2)
    counts = np.minimum(rng.geometric(0.6, queries), 6)
    right = rng.integers(0, items, int(counts.sum()))
    ends = np.cumsum(counts)
    right[ends - counts] = own
    np.save(place / "points.npy", points)
    np.save(place / "queries.npy", asked / np.linalg.norm(asked, axis=1, keepdims=True))
    np.save(place / "ids.npy", ids_of(items))
    np.save(place / "ends.npy", ends)
    np.save(place / "right.npy", right)


def ours(data: Path, *, two: bool) -> Figures:
    """Rank, measure, write."""
    ids = np.load(data / "ids.npy")
    points, queries = np.load(data / "points.npy"), np.load(data / "queries.npy")
    right = np.split(ids[np.load(data / "right.npy")], np.load(data / "ends.npy")[:-1])
    right = [np.unique(of) for of in right]
    gallery = Gallery(ids, np.arange(len(ids) + 1), np.zeros(len(ids), dtype="U1"), points)
    none = np.zeros(0, dtype=np.int64)
    out = Overrides.of(none, none, none)
    rank(queries[:WARM], gallery, right[:WARM], out, depth=DEPTH)
    told: Figures = {}
    with measured(told):
        began = time.perf_counter()
        both: tuple[Ranking, ...]
        if two:
            part = np.random.default_rng(6).random(len(ids)) < COMMON
            both = rank_both(queries, gallery, right, out, Within(part, right), depth=DEPTH)
        else:
            both = (rank(queries, gallery, right, out, depth=DEPTH),)
        told["rank_s"] = round(time.perf_counter() - began, 2)
        for ranking in both:
            _measured(ranking, len(ids))
    told["measures_s"] = round(told["wall_s"] - told["rank_s"], 2)
    return told


def _measured(ranking: Ranking, items: int) -> None:
    """All measures, and the table and the run that a report has of them."""
    spec, count = EvaluationSpec(), len(ranking.found)
    nothing: tuple[str | None, ...] = (None,) * count
    outcome = Outcome(
        set=HELD_OUT,
        name="text→image",
        queries=tuple(f"{number:032x}" for number in range(count)),
        groups=np.arange(count),
        categories=nothing,
        languages=nothing,
        masks=nothing,
        gallery=items,
        kind="exact",
        scores=measures.of_ranking(ranking, spec),
        ranking=ranking,
        top=("",) * count,
    )
    with tempfile.TemporaryDirectory() as folder:
        write_queries([outcome], Path(folder))
        write_runs([outcome], Path(folder), tag="scale", depth=spec.run_depth)


def alone(data: Path) -> Figures:
    """Exact search by faiss for as many neighbours."""
    points, queries = np.load(data / "points.npy"), np.load(data / "queries.npy")
    faiss.omp_set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    index = faiss.IndexFlatIP(points.shape[1])
    index.add(points)
    index.search(queries[:WARM], DEPTH)
    told: Figures = {}
    with measured(told):
        index.search(queries, DEPTH)
    return told


def main() -> None:
    """One side, in this process; its figures are the last line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("side", choices=(*SIDES, "make"))
    parser.add_argument("sizes", nargs="*", type=int, metavar="QUERIES ITEMS")
    given = parser.parse_args()
    if given.side == "make":
        make(given.data, *given.sizes)
        print("{}")
        return
    two = given.side == SIDES[1]
    found = alone(given.data) if given.side == "faiss" else ours(given.data, two=two)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
