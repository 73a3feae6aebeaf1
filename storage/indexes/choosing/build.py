"""Build an index whose ids are the rows' own ids."""

from __future__ import annotations

import hashlib
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from storage.indexes.card import CARD, CODES, TRUTH, VECTORS, IndexCard, read_card
from storage.indexes.choosing.choose import Chosen, check_matrix, choose
from storage.indexes.choosing.filling import Filling
from storage.indexes.choosing.truth import truth_key
from storage.indexes.choosing.vectors_file import (
    check_ids,
    check_vectors,
    mapped_vectors,
    rows_of,
    write_vectors,
)
from storage.indexes.goal import Goal
from storage.indexes.questions import Questions
from storage.indexes.reading import write_faiss
from storage.places.atomic import sync, write_bytes
from storage.places.place import children, is_local, remove


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


def goal_name(rows: str, questions: Questions | None, goal: Goal) -> str:
    """Name a build by rows (their digest), queries and goal, 16 hex digits.

    Neither threads nor what was measured count: the same input keeps its name.
    """
    asked = "" if questions is None else truth_key(rows, questions, goal.k)
    wanted = (goal.recall, goal.k, goal.memory, goal.latency, goal.cheap, goal.seed)
    return hashlib.sha256(f"goal-1\0{rows}\0{asked}\0{wanted}".encode()).hexdigest()[:16]


def built(
    filling: Filling,
    ids: NDArray[np.int64],
    vectors: NDArray[np.float32],
    questions: Questions | None,
    goal: Goal,
    about: IndexCard,
) -> IndexCard:
    """Choose an index for ``vectors`` (n, d) under ``ids`` (n,), sorted; write it and its card.

    They are written to the folder of ``filling``, which makes the indexes. ``vectors`` may be
    those of that folder's own ``vectors.faiss``, mapped, which then is kept. ``about`` has space,
    modality, rows, dimension, time and name of the build; the card returned has all the rest. A
    finished build is kept as it is.

    Raises NothingFitsError where no kind meets the goal, UnsoundVectorError for a vector that
    cannot be searched, and ValueError for ids that are not sorted or do not fit.
    """
    folder = filling.folder
    if folder is None:
        raise ValueError("an index is written to a folder: name one")
    if CARD in children(folder):
        return read_card(folder / CARD)
    if vectors.shape != (about.rows, about.dim) or len(ids) != about.rows:
        raise ValueError(f"{len(ids)} ids, vectors of {vectors.shape}, a card of {about.rows}")
    check_matrix(ids, vectors)
    check_ids(ids)
    if not _is_of(vectors, folder / VECTORS):  # else they were checked when they were written
        for places, rows in rows_of(vectors):
            check_vectors(ids[places], rows)
    chosen = choose(ids, vectors, questions, goal, filling=filling)
    card = about.model_copy(
        update={
            "type": chosen.kind.name,
            "setting": chosen.setting,
            "mapped": chosen.kind.mapped,
            "files": _written(folder, ids, vectors, chosen),
            "trained_on": chosen.trained_on,
            "reached": chosen.reached,
            "tried": chosen.tried,
        }
    )
    write_bytes(folder / CARD, card.model_dump_json(indent=2).encode(), final=True)
    return card


def _written(
    folder: Path, ids: NDArray[np.int64], vectors: NDArray[np.float32], chosen: Chosen
) -> tuple[str, ...]:
    """Write what was chosen, and return the names of its files; the exact answers are there."""
    truth = () if chosen.truth is None else (TRUTH,)
    remove([folder / CODES])  # of a build that was interrupted, perhaps of another kind
    if chosen.index is None:
        write_vectors(folder / CODES, ids, vectors.shape[1], rows_of(vectors))
        remove([folder / VECTORS])
        return (CODES, *truth)
    mine = _is_of(vectors, folder / VECTORS)
    if not mine or not np.array_equal(mapped_vectors(folder / VECTORS)[0], ids):
        write_vectors(folder / VECTORS, ids, vectors.shape[1], rows_of(vectors))
    if chosen.file is None:
        write_faiss(folder / CODES, chosen.index)
    else:
        chosen.file.replace(folder / CODES)
        sync(folder)
    return (CODES, VECTORS, *truth)


def _is_of(vectors: NDArray[np.float32], path: Path) -> bool:
    """Whether ``vectors`` are those of the file at ``path``, mapped."""
    mapped = getattr(vectors, "filename", None)
    return mapped is not None and is_local(path) and path.exists() and path.samefile(mapped)
