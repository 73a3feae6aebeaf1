"""Makers of outcomes with given scores."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mmcore.evaluation.outcomes import HELD_OUT, Outcome
from mmcore.evaluation.ranking import Ranking

NOTHING = np.zeros(0, dtype=np.int64)


def outcome(name: str, ranks: Sequence[int], **fields: Any) -> Outcome:
    """One direction whose queries ``q0000`` … find the right item at ``ranks``; 0: nowhere.

    Each query is a group of its own, and English, unless told.
    """
    first = np.array(ranks, dtype=np.int64)
    count = len(first)
    made = {
        "set": HELD_OUT,
        "name": name,
        "queries": tuple(f"q{number:04}" for number in range(count)),
        "groups": np.arange(count),
        "categories": (None,) * count,
        "languages": ("en",) * count,
        "masks": (None,) * count,
        "gallery": 1000,
        "kind": "exact",
        "scores": scores(first),
        "ranking": Ranking(
            found=(NOTHING,) * count,
            hits=(NOTHING,) * count,
            expected=(NOTHING,) * count,
            relevant=np.ones(count, dtype=np.int64),
            first=first,
            sizes=np.full(count, 1000),
        ),
        "top": ("",) * count,
    }
    return Outcome(**{**made, **fields})


def scores(first: np.ndarray) -> dict[str, np.ndarray]:
    """RR and Success@10 of such ranks."""
    found = first > 0
    return {
        "RR": np.where(found, 1 / np.maximum(first, 1), 0.0),
        "Success@10": (found & (first <= 10)).astype(np.float64),
    }
