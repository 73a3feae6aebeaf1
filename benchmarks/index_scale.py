"""Time and memory of an index that is built in shards, by number of rows.

    python -m benchmarks.index_scale FOLDER --rows 100000 200000 400000 800000

Points lie in clusters, queries lie across a gap (``benchmarks.index_data``). Each phase runs in a
process of its own, with one thread, and tells wall and CPU seconds and the most memory that is no
file's. ``ivf-pq`` is merged in memory, ``ivf-sq8`` from disk to disk and opened by mapping.

- train: one training for all shards; shard: all of them, one after the other; merge;
- finish: exact answers, tuning, the card; search: the index opened, and all queries at once;
- update: one row in a hundred goes and another comes.

The last lines fit each phase's CPU seconds as ``rows ** slope``: 1 is linear.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.index_case import Peak, about, anonymous
from benchmarks.index_data import World, ids_of
from benchmarks.machine import describe
from benchmarks.measured import Figures, in_process, measured
from storage.indexes.choosing.kinds import Kind, kind_named
from storage.indexes.choosing.structure import threads, train_sample
from storage.indexes.choosing.vectors_file import rows_of
from storage.indexes.files import Index
from storage.indexes.goal import Goal
from storage.indexes.questions import Questions
from storage.indexes.sharding.shards import build_shard, finish, merge, train
from storage.indexes.updating.changes import Sought
from storage.indexes.updating.update import updated

NAME: Final = "benchmarks.index_scale"
KINDS: Final = {"ivf-pq": False, "ivf-sq8": True}  # whether it is merged on disk
QUERIES: Final = 1000
GOAL: Final = Goal(recall=0.95, threads=1)


@dataclass(frozen=True, slots=True)
class Job:
    """Rows, dimension and rows a shard of one kind, below a folder."""

    folder: Path
    kind: str
    rows: int
    dim: int
    shard: int

    @property
    def of(self) -> Kind:
        """The kind for so many rows."""
        return kind_named(self.kind, self.rows, self.dim)

    @property
    def trained(self) -> Path:
        """The empty index."""
        return self.folder / "trained.faiss"

    @property
    def shards(self) -> list[Path]:
        """The folders of all shards."""
        return [self.folder / f"shard-{start}" for start in range(0, self.rows, self.shard)]

    def ids(self) -> np.ndarray:
        """Sorted ids of all rows."""
        return ids_of(self.rows)

    def points(self) -> np.ndarray:
        """Their vectors, mapped."""
        found: np.ndarray = np.load(self.folder / "points.npy", mmap_mode="r")
        return found

    def questions(self) -> Questions:
        """Queries from across the gap."""
        queries = World.of(self.dim).queries(QUERIES, 2)
        return Questions(queries, np.full(len(queries), "gap"))


def made(job: Job) -> Figures:
    """The points, which no phase counts."""
    job.folder.mkdir(parents=True, exist_ok=True)
    np.save(job.folder / "points.npy", World.of(job.dim).points(job.rows, 1))
    return {}


def trained(job: Job) -> Figures:
    """Train the empty index."""
    with told() as figures:
        sample = train_sample(job.points(), job.of.sample, 0)
        train(job.trained, job.of, sample, workers=1)
    return figures


def sharded(job: Job) -> Figures:
    """Build all shards."""
    ids, points = job.ids(), job.points()
    with told() as figures:
        for number, folder in enumerate(job.shards):
            mine = slice(number * job.shard, (number + 1) * job.shard)
            build_shard(job.trained, folder, ids[mine], points[mine], 1)
    return figures


def merged(job: Job) -> Figures:
    """Merge them."""
    with told() as figures, threads(1):
        folder = merge(job.trained, job.shards, job.folder / "0", on_disk=KINDS[job.kind])
    return figures | {"mb": (folder / "index.faiss").stat().st_size >> 20}


def finished(job: Job) -> Figures:
    """Tune the index."""
    questions, card = job.questions(), about(job.ids(), job.dim)
    card = card.model_copy(update={"mapped": KINDS[job.kind]})
    with told() as figures:
        card = finish(job.folder / "0", job.of, questions, GOAL, card)
    recall = None if card.reached is None else round(card.reached.recall, 4)
    return figures | {"recall": recall, "setting": str(card.setting)}


def searched(job: Job) -> Figures:
    """Open it and ask all queries."""
    queries = job.questions().vectors
    with told() as figures, threads(1):
        index = Index.open(job.folder / "0")
        opened = anonymous()
        index.search(queries, 10)
    asked: Figures = {}
    with measured(asked), threads(1):
        index.search(queries, 10)
    rate = round(len(queries) / asked["cpu_s"])
    return figures | {"open_mb": round(opened), "per_cpu_s": rate}


def changed(job: Job) -> Figures:
    """Update it: a row in a hundred goes, another comes."""
    ids, points, questions = job.ids(), job.points(), job.questions()
    count = job.rows // 100
    new = np.setdiff1d(ids_of(count, seed=1), ids)
    vectors = World.of(job.dim).points(len(new), 3)
    kept = np.ones(len(ids), dtype=bool)
    kept[:: len(ids) // count] = False
    wanted = np.union1d(ids[kept], new)
    blocks = ((ids[places], rows) for places, rows in rows_of(points))
    with told() as figures:
        rows = Sought(wanted, (block for part in (blocks, [(new, vectors)]) for block in part))
        card = updated(
            job.folder / "0", job.folder / "1", rows, questions, GOAL, about(wanted, job.dim)
        )
    recall = card and card.reached and round(card.reached.recall, 4)
    return figures | {"recall": recall, "added": card and card.added}


@contextmanager
def told() -> Iterator[Figures]:
    """Seconds of the block, and the megabytes of memory that it added to the process."""
    figures: Figures = {}
    before = anonymous()
    with Peak() as peak, measured(figures):
        yield figures
    figures["added_mb"] = round(peak.megabytes - before)


PHASES: Final[dict[str, Callable[[Job], Figures]]] = {
    "data": made,
    "train": trained,
    "shard": sharded,
    "merge": merged,
    "finish": finished,
    "search": searched,
    "update": changed,
}


def slopes(found: Sequence[tuple[int, dict[str, Figures]]]) -> dict[str, float]:
    """The exponent of the rows in each phase's CPU seconds, by least squares of the logarithms."""
    rows = np.log([n for n, _ in found])
    return {
        phase: round(
            float(np.polyfit(rows, np.log([told[phase]["cpu_s"] for _, told in found]), 1)[0]), 2
        )
        for phase in PHASES
        if phase != "data"
    }


def run(folder: Path, kind: str, rows: Sequence[int], dim: int, shard: int) -> None:
    """All phases for all numbers of rows; one line each."""
    found = []
    for n in rows:
        place = folder / f"{kind}-{n}"
        figures = {
            phase: in_process(
                NAME,
                place,
                "--phase",
                phase,
                "--kind",
                kind,
                "--rows",
                n,
                "--dim",
                dim,
                "--shard",
                shard,
            )
            for phase in PHASES
        }
        shutil.rmtree(place)
        found.append((n, figures))
        for phase in list(PHASES)[1:]:
            keys = (
                "wall_s",
                "cpu_s",
                "added_mb",
                "mb",
                "open_mb",
                "per_cpu_s",
                "recall",
                "setting",
                "added",
            )
            shown = {key: figures[phase][key] for key in keys if key in figures[phase]}
            print(f"{kind}\t{n}\t{phase}\t{json.dumps(shown)}", flush=True)
    if len(found) > 1:
        print(f"{kind}\tslopes\t{json.dumps(slopes(found))}", flush=True)


def main() -> None:
    """Run all, or one phase of one job."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[100_000, 200_000, 400_000, 800_000]
    )
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--shard", type=int, default=100_000, help="rows a shard")
    parser.add_argument("--kind", choices=list(KINDS))
    parser.add_argument("--phase", choices=list(PHASES))
    chosen = parser.parse_args()
    if chosen.phase:
        job = Job(chosen.folder, chosen.kind, chosen.rows[0], chosen.dim, chosen.shard)
        print(json.dumps(PHASES[chosen.phase](job)))
        return
    print(describe())
    for kind in [chosen.kind] if chosen.kind else KINDS:
        run(chosen.folder, kind, chosen.rows, chosen.dim, chosen.shard)


if __name__ == "__main__":
    main()
