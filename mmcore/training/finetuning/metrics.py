"""What is found among held-out pairs: by a text its medium, and by a medium its text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mmcore.training.loop.stopping import check_vectors
from mmcore.types import Vectors

CUTS: Final = (1, 5, 10)


def ranks(queries: Vectors, gallery: Vectors, right: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(n,) rank from 1 of the best right row of ``gallery`` (m, d); ``right`` is (n, m).

    Of rows that score the same, wrong ones count as before: a model that has one vector for all
    finds nothing. TrainingError for vectors that are not finite.
    """
    check_vectors(queries, gallery)
    scores = queries @ gallery.T
    best = np.where(right, scores, -np.inf).max(axis=1, keepdims=True)
    found: NDArray[np.int64] = 1 + ((scores >= best) & ~right).sum(axis=1)
    return found


def scores(
    texts: Vectors, text_of: Sequence[int], media: Vectors, keys: Sequence[str]
) -> dict[str, float]:
    """RR and Success@k of both directions, and ``RR``, their mean.

    ``texts`` (t, d), text i of item ``text_of[i]``; ``media`` (n, d), one row an item; ``keys`` of
    the items: equal captions are right for each other.
    """
    own = np.unique(np.asarray(keys), return_inverse=True)[1]
    right = own[np.asarray(text_of)][:, None] == own[None, :]
    found = {"text→media": ranks(texts, media, right), "media→text": ranks(media, texts, right.T)}
    told = {
        f"{name} {direction}": value
        for direction, places in found.items()
        for name, value in _of(places).items()
    }
    return {"RR": float(np.mean([told[f"RR {direction}"] for direction in found])), **told}


def _of(places: NDArray[np.int64]) -> dict[str, float]:
    cuts = {f"Success@{k}": float((places <= k).mean()) for k in CUTS}
    return {"RR": float((1 / places).mean()), **cuts}
