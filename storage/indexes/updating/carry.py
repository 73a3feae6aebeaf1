"""Exact answers after a change: most queries keep those they had, so few are asked again."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from storage.indexes.choosing.truth import SPARE, Truth, exact_answers
from storage.indexes.questions import Questions
from storage.indexes.searching.refine import Found, merged, places_in
from storage.indexes.searching.together import Together
from storage.indexes.updating.changes import Change

_NEAR: Final = 1e-4  # scores of one query and row differ by less, however they were summed


def carried(
    old: Truth | None, questions: Questions, change: Change, k: int, workers: int | None = None
) -> Truth:
    """The exact ``k`` nearest, and some more, of the rows that ``change`` leaves.

    ``old`` has more than ``k`` answers to each query, so that ``k`` are left when some of the rows
    went. They, and what came, have all that scores as much as the last of them. Where fewer than
    ``k`` are left a query is compared with every row. Answers of another query are told by their
    scores. Those beyond the first ``k`` may be fewer than there are, and are -1 then.
    """
    width = k + SPARE
    scores, ids = _left(old, questions, change, width)
    came = exact_answers(change.came.ids, change.came.vectors, questions, width, workers)
    last = np.where(ids >= 0, scores, np.inf).min(axis=1, initial=np.inf)
    scores, ids = merged((scores, ids), (came.scores, came.ids), width)
    unsure = scores < last[:, None]
    scores, ids = np.where(unsure, -np.inf, scores), np.where(unsure, -1, ids)
    short = np.flatnonzero((ids >= 0).sum(axis=1) < min(k, change.count))
    if len(short):
        live = Together.of(change.before.stored, change.alive, change.delta)
        truth = exact_answers(live.ids, live.vectors, questions.take(short), width, workers)
        ids[short], scores[short] = truth.ids, truth.scores
    return Truth(ids, scores.astype(np.float32))


def _left(old: Truth | None, questions: Questions, change: Change, width: int) -> Found:
    """Of each query's old answers (q, width), those whose rows are as they were; the rest is -1.

    None of a query whose answers are another's.
    """
    ids = np.full((len(questions), width), -1, dtype=np.int64)
    scores = np.full((len(questions), width), -np.inf, dtype=np.float32)
    if old is None:
        return scores, ids
    count, wide = min(len(old.ids), len(questions)), min(width, old.ids.shape[1])
    ids[:count, :wide], scores[:count, :wide] = old.ids[:count, :wide], old.scores[:count, :wide]
    ids[places_in(change.lost, ids) >= 0] = -1
    right = np.isclose(_products(ids, questions, change), scores, rtol=0, atol=_NEAR) | (ids < 0)
    mine = (ids == questions.own[:, None]) & (ids >= 0)
    ids[~right.all(axis=1) | mine.any(axis=1)] = -1
    scores[ids < 0] = -np.inf
    return scores, ids


def _products(ids: NDArray[np.int64], questions: Questions, change: Change) -> NDArray[np.float32]:
    """Inner products (q, m) of queries with the rows ``ids`` (q, m), wherever they are."""
    stored, delta = change.before.stored, change.delta
    places = stored.places(ids)
    places = np.where((places >= 0) & change.alive[places], places, -1)
    queries = np.ascontiguousarray(questions.vectors, dtype=np.float32)
    found: NDArray[np.float32] = np.maximum(
        stored.products(queries, places), delta.products(queries, delta.places(ids))
    )
    return found
