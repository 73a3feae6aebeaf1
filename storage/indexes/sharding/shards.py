"""Building an index in shards: plain functions of files, for a task of Prefect, Dask or a shell.

One training, then shards in parallel, then one merge, then its search is tuned. A shard is a
folder with the files of an index, and the digest of the training for a card. Shards of rising ids
are merged fastest: their vectors follow each other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from storage.indexes.card import CARD, CODES, TRUTH, VECTORS, IndexCard
from storage.indexes.choosing.frontier import nothing_fits
from storage.indexes.choosing.kinds import Kind
from storage.indexes.choosing.structure import fill, threads, trained
from storage.indexes.choosing.truth import SPARE, exact_answers
from storage.indexes.choosing.tuning import Asked, Bench, reached_by, recall_of, tune
from storage.indexes.choosing.vectors_file import Block, mapped_vectors, rows_of, write_vectors
from storage.indexes.goal import Goal
from storage.indexes.questions import Questions
from storage.indexes.reading import read_faiss, write_faiss
from storage.indexes.searching.engine import Engine
from storage.indexes.searching.refine import Stored
from storage.indexes.sharding.merge import check_unique, merge_into, merge_on_disk
from storage.places.atomic import write_bytes

TRAINING: Final = "training.sha256"  # of the trained index; written last


def train(
    to: Path, kind: Kind, sample: NDArray[np.float32], seed: int = 0, workers: int | None = None
) -> Path:
    """Write the empty index that all shards are filled from, and return its path.

    The ``sample`` (m, d) has to come from all shards; ``kind.sample`` rows are enough. A file that
    is there is kept.
    """
    if not to.exists():
        with threads(workers):
            write_faiss(to, trained(kind, sample.shape[1], sample, seed))
    return to


def build_shard(
    trained_index: Path,
    to: Path,
    ids: NDArray[np.int64],
    vectors: NDArray[np.float32],
    workers: int | None = None,
) -> Path:
    """Write the folder of one shard: ``ids`` (n,), sorted, and unit ``vectors`` (n, d); its path.

    ``vectors`` may be mapped; they are read block by block. A shard of this training that is there
    is kept, so what names its folder has to name its rows. Raises what ``write_vectors`` raises.
    """
    training = _digest(trained_index)
    if _training_of(to) != training:
        write_vectors(to / VECTORS, ids, vectors.shape[1], rows_of(vectors))
        with threads(workers):
            write_faiss(to / CODES, fill(read_faiss(trained_index), ids, vectors))
        write_bytes(to / TRAINING, training.encode())  # last: it says that the rest is there
    return to


def merge(trained_index: Path, shards: Sequence[Path], to: Path, *, on_disk: bool = False) -> Path:
    """Write the folder of the one index that all ``shards`` make; its path.

    It answers as if it had been filled at once. In memory it takes the result and one shard;
    ``on_disk`` it takes the ids, 8 bytes a row: see ``merge_on_disk`` for the kinds that can be.
    ValueError, which names it, for a shard that is not whole or of another training, and for an id
    that two shards have.
    """
    training = _digest(trained_index)
    for shard in shards:
        if _training_of(shard) != training:
            raise ValueError(f"{shard} is no whole shard of {trained_index}: build it again")
    opened = [mapped_vectors(shard / VECTORS) for shard in shards]
    ids = check_unique(held for held, _ in opened)
    whole = read_faiss(trained_index)
    write_vectors(to / VECTORS, ids, whole.d, _all_rows(ids, opened))
    if on_disk:
        merge_on_disk(to / CODES, whole, [shard / CODES for shard in shards])
    else:
        for shard in shards:
            merge_into(whole, read_faiss(shard / CODES))
        write_faiss(to / CODES, whole)
    return to


def finish(
    folder: Path, kind: Kind, questions: Questions, goal: Goal, about: IndexCard
) -> IndexCard:
    """Tune a merged index, write its card, and return it.

    ``about`` has space, modality, rows, dimension, time and name of the build, and whether the
    lists stay on disk (``mapped``: of what was merged there). Raises NothingFitsError where no
    setting meets the goal.
    """
    stored = Stored(*mapped_vectors(folder / VECTORS))
    index = read_faiss(folder / CODES, mapped=about.mapped)
    truth = exact_answers(stored.ids, stored.vectors, questions, goal.k + SPARE, goal.threads)
    asked = Asked(questions, truth.first(goal.k))
    tuning, reporting = map(asked.take, questions.halves(goal.seed))
    bench = Bench(Engine.over(index, stored.ids, stored.vectors), kind, len(stored), tuning, goal)
    for setting in tune(bench):
        recalls = recall_of(bench.engine, reporting, setting, goal)
        if bench.point(setting).fits and recalls.mean() >= goal.recall:
            truth.save(folder / TRUTH)
            card = about.model_copy(
                update={
                    "type": kind.name,
                    "setting": setting,
                    "files": (CODES, VECTORS, TRUTH),
                    "reached": reached_by(recalls, reporting.questions, goal.k),
                    "tried": tuple(bench.points),
                }
            )
            write_bytes(folder / CARD, card.model_dump_json(indent=2).encode(), final=True)
            return card
    raise nothing_fits(bench.points, goal)


def _all_rows(
    ids: NDArray[np.int64], parts: Sequence[tuple[NDArray[np.int64], NDArray[np.float32]]]
) -> Iterator[Block]:
    for held, vectors in parts:
        for places, rows in rows_of(vectors):
            yield np.searchsorted(ids, held[places]), rows


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _training_of(shard: Path) -> str:
    """Digest of the trained index that a shard was filled from; none where it is not whole."""
    path = shard / TRAINING
    return path.read_text() if path.exists() else ""
