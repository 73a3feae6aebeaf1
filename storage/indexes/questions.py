"""Real queries that an index is measured with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Questions:
    """Query vectors (q, d), float32 of length 1, and what each is.

    Args:
        vectors: in the space of the index.
        kinds: (q,) what asks: ``text zh``, ``text en``, ``audio`` …
        own: (q,) the row that is the query itself, which is not counted as found; -1: none.
        asked: whether they are queries, or stored vectors of the index for lack of any.
    """

    vectors: NDArray[np.float32]
    kinds: NDArray[np.str_]
    own: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    asked: Literal["queries", "stored vectors"] = "queries"

    def __post_init__(self) -> None:
        if not len(self.own):
            object.__setattr__(self, "own", np.full(len(self.vectors), -1, dtype=np.int64))
        if not len(self.vectors) == len(self.kinds) == len(self.own):
            raise ValueError(f"{len(self.vectors)} queries, {len(self.kinds)} kinds")

    def __len__(self) -> int:
        return len(self.vectors)

    def take(self, rows: NDArray[np.int64]) -> Questions:
        """Those of ``rows``, in that order."""
        return Questions(self.vectors[rows], self.kinds[rows], self.own[rows], self.asked)

    def halves(self, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows to tune on, and rows to report on: half of each kind, at random by ``seed``."""
        order = np.random.default_rng(seed).permutation(len(self))
        tuning: list[int] = []
        for kind in np.unique(self.kinds):
            mine = order[self.kinds[order] == kind]
            tuning += mine[: (len(mine) + 1) // 2].tolist()
        chosen = np.zeros(len(self), dtype=bool)
        chosen[tuning] = True
        return np.flatnonzero(chosen), np.flatnonzero(~chosen)


def joined(by_kind: Mapping[str, NDArray[np.float32]], most: int) -> Questions | None:
    """The queries of each kind, at most ``most`` in all, as many of each as there are or fit.

    None where there are none. Rows are taken evenly over what a kind has.
    """
    there = {kind: rows for kind, rows in by_kind.items() if len(rows)}
    if not there:
        return None
    left, taken = most, dict[str, NDArray[np.float32]]()
    for place, kind in enumerate(sorted(there, key=lambda kind: len(there[kind]))):
        rows = there[kind]
        share = min(len(rows), left // (len(there) - place))
        taken[kind] = rows[np.linspace(0, len(rows) - 1, share).astype(np.int64)]
        left -= share
    kinds = np.repeat(list(taken), [len(rows) for rows in taken.values()])
    vectors = np.concatenate(list(taken.values())).astype(np.float32, copy=False)
    return Questions(vectors, kinds)
