"""A corpus with its queries, the card of its index, and the memory that building one takes."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.index_data import World, ids_of
from storage.indexes.card import IndexCard
from storage.indexes.choosing.truth import exact_answers
from storage.indexes.questions import Questions

DIM = 512
QUERIES = 2000
K = 10

Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A corpus and its queries, mapped from disk."""

    folder: Path
    ids: Ids
    points: Vectors
    questions: Questions

    @classmethod
    def of(cls, folder: Path, n: int) -> Case:
        """The ``n`` points of FOLDER; made where they are not there."""
        place = folder / f"gap-{n}"
        if not (place / "queries.npy").exists():
            place.mkdir(parents=True, exist_ok=True)
            world = World.of(DIM)
            np.save(place / "ids.npy", ids_of(n))
            np.save(place / "points.npy", world.points(n, 1))
            np.save(place / "queries.npy", world.queries(QUERIES, 2))
        ids, points, queries = (
            np.load(place / f"{name}.npy") for name in ("ids", "points", "queries")
        )
        return cls(place, ids, points, Questions(queries, np.full(len(queries), "gap")))

    def exact(self) -> Path:
        """Positions of the true nearest (q, K), computed once."""
        path = self.folder / "exact.npy"
        if not path.exists():
            truth = exact_answers(self.ids, self.points, self.questions, K)
            np.save(path, np.searchsorted(self.ids, truth.ids))
        return path


def about(ids: Ids, dim: int) -> IndexCard:
    """What a lake would write on the card."""
    return IndexCard(
        space="made",
        modality="image",
        dim=dim,
        rows=len(ids),
        created_at=datetime.now(UTC),
        build="bench",
    )


class Peak:
    """The most memory that was no file's (``RssAnon``) within a block, looked at often."""

    def __enter__(self) -> Peak:
        self.megabytes, self._ended = anonymous(), threading.Event()
        self._watch = threading.Thread(target=self._look)
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._watch.join()

    def _look(self) -> None:
        while not self._ended.wait(0.01):
            self.megabytes = max(self.megabytes, anonymous())


def anonymous() -> float:
    """Megabytes of this process that are no file's, on Linux."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) / 1024
