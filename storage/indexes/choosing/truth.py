"""Exact answers to queries: what recall is measured against."""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import faiss
import numpy as np
from numpy.typing import NDArray

from storage.indexes.choosing import vectors_file
from storage.indexes.choosing.structure import threads
from storage.indexes.questions import Questions
from storage.places.atomic import replacing
from storage.places.place import local_copy

_BLOCK: Final = vectors_file.BLOCK  # numbers held at once
SPARE: Final = 16  # further answers that are kept, for when some of the rows go
TIE: Final = 1e-5  # scores that differ by less are equally right
_FAISS: Final[Any] = faiss  # its type stubs lack what its Python side adds


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """The exact ``k`` nearest of each query.

    Args:
        ids: (q, k) int64, best first; -1 where there are fewer rows.
        scores: (q, k) float32 inner products, -inf there.
        key: names the rows and queries that they are of; ``""``: never kept.
    """

    ids: NDArray[np.int64]
    scores: NDArray[np.float32]
    key: str = ""

    def recall(
        self, found: NDArray[np.int64], scores: NDArray[np.float32] | None = None
    ) -> NDArray[np.float64]:
        """Share (q,) of the nearest that ``found`` (q, m) has; 1 where there are none to find.

        With their exact ``scores`` (q, m), one that ties with the last of the nearest is as right
        as that. An id that comes twice counts once.
        """
        right = _among(found, self.ids)
        if scores is not None:
            right |= scores >= self._least()[:, None] - TIE
        order = np.argsort(found, axis=1, kind="stable")
        sorted_ids = np.take_along_axis(found, order, axis=1)
        first = np.ones(found.shape, dtype=bool)
        first[:, 1:] = sorted_ids[:, 1:] != sorted_ids[:, :-1]
        right &= found >= 0
        counted = (np.take_along_axis(right, order, axis=1) & first).sum(axis=1)
        wanted = (self.ids >= 0).sum(axis=1)
        shares: NDArray[np.float64] = np.minimum(counted, wanted) / np.maximum(wanted, 1)
        return np.where(wanted == 0, 1.0, shares)

    def first(self, k: int) -> Truth:
        """The ``k`` nearest of those that it has."""
        return Truth(self.ids[:, :k], self.scores[:, :k], self.key)

    def take(self, rows: NDArray[np.int64]) -> Truth:
        """The answers to the queries ``rows``, in that order."""
        return Truth(self.ids[rows], self.scores[rows], self.key)

    def save(self, path: Path) -> None:
        """Write ids, scores and key; no vector."""
        with replacing(path, final=True) as temporary, temporary.open("wb") as file:
            np.savez(file, ids=self.ids, scores=self.scores, key=np.array(self.key))

    def _least(self) -> NDArray[np.float32]:
        """(q,) the score of the last of the nearest; inf where there are none."""
        there = np.where(self.ids >= 0, self.scores, np.inf)
        least: NDArray[np.float32] = there.min(axis=1, initial=np.inf)
        return least


def _among(found: NDArray[np.int64], ids: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(q, m) whether each of ``found`` (q, m) is among the ``ids`` (q, k) of its row.

    By sorting: to compare each with each would take q * m * k bytes.
    """
    both = np.concatenate([found, ids], axis=1)
    values, places = np.unique(both, return_inverse=True)
    keys = places.reshape(both.shape) + len(values) * np.arange(len(both))[:, None]
    right: NDArray[np.bool_] = np.isin(
        keys[:, : found.shape[1]], keys[:, found.shape[1] :], kind="sort"
    )
    return right


def exact_answers(
    ids: NDArray[np.int64],
    vectors: NDArray[np.float32],
    questions: Questions,
    k: int,
    workers: int | None = None,
    *,
    key: str = "",
) -> Truth:
    """The exact ``k`` nearest of ``vectors`` (n, d) under ``ids`` (n,), own rows left out.

    Reads block by block, so that a mapped file need not fit into memory.
    """
    more = k + bool((questions.own >= 0).any())
    best = _FAISS.ResultHeap(len(questions), more, keep_max=True)
    queries = np.ascontiguousarray(questions.vectors, dtype=np.float32)
    with threads(workers):
        for places, rows in vectors_file.rows_of(vectors, _BLOCK) if len(questions) else ():
            scores, near = faiss.knn(
                queries, rows, min(more, len(rows)), metric=faiss.METRIC_INNER_PRODUCT
            )
            best.add_result(scores, near + places[0])
    best.finalize()
    there = (best.I >= 0) & np.isfinite(best.D)
    found = np.where(there, ids[best.I], -1) if len(ids) else np.full_like(best.I, -1)
    found, scores = without_own(found, np.where(there, best.D, -np.inf), questions.own, k)
    return Truth(found, scores, key)


def without_own(
    found: NDArray[np.int64], scores: NDArray[np.float32], own: NDArray[np.int64], k: int
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The first ``k`` of each row of ids (q, m) and scores, the query's ``own`` id left out."""
    mine = (found == own[:, None]) & (found >= 0)
    order = np.argsort(mine, axis=1, kind="stable")[:, :k]  # own ones come last
    scores = np.where(mine, -np.inf, scores).astype(np.float32)
    return (
        np.take_along_axis(np.where(mine, -1, found), order, axis=1),
        np.take_along_axis(scores, order, axis=1),
    )


def load_truth(path: Path, key: str | None) -> Truth | None:
    """What was kept at ``path`` if it is of these rows and queries; None for another's or none.

    Without a ``key``, those of any.
    """
    try:
        with (
            local_copy(path).open("rb") as file,  # np.load leaves a damaged file open
            np.load(file, allow_pickle=False) as kept,
        ):
            if key is None or str(kept["key"]) == key:
                return Truth(kept["ids"], kept["scores"], str(kept["key"]))
    except (FileNotFoundError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None  # it is computed again
    return None


def rows_digest(ids: NDArray[np.int64], vectors: NDArray[np.float32]) -> str:
    """Digest of ids (n,) and vectors (n, d), 64 hex digits; reads block by block."""
    hasher = hashlib.sha256(f"rows-1\0{vectors.shape}\0".encode())
    hasher.update(np.ascontiguousarray(ids, dtype="<i8").data)
    for _, rows in vectors_file.rows_of(vectors):
        hasher.update(np.ascontiguousarray(rows, dtype="<f4").data)
    return hasher.hexdigest()


def truth_key(rows: str, questions: Questions, k: int) -> str:
    """Digest of the ``k`` nearest of rows, by their digest, to queries."""
    hasher = hashlib.sha256(f"truth-1\0{rows}\0{k}\0{questions.vectors.shape}\0".encode())
    hasher.update(np.ascontiguousarray(questions.vectors, dtype="<f4").data)
    hasher.update(np.ascontiguousarray(questions.own, dtype="<i8").data)
    hasher.update("\0".join(map(str, questions.kinds)).encode())
    return hasher.hexdigest()
