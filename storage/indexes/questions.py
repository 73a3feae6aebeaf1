"""Real queries that an index is measured with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

ENOUGH: Final = 20  # queries below which stored vectors ask


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
        """Rows to tune on, and rows to report on: half of each kind, at random by ``seed``.

        Of kinds of which the number is odd, the one that is left goes to either by turns.
        """
        order = np.random.default_rng(seed).permutation(len(self))
        tuning, odd = list[int](), 1
        for kind in np.unique(self.kinds):
            mine = order[self.kinds[order] == kind]
            tuning += mine[: (len(mine) + odd) // 2].tolist()
            odd ^= len(mine) % 2
        chosen = np.zeros(len(self), dtype=bool)
        chosen[tuning] = True
        return np.flatnonzero(chosen), np.flatnonzero(~chosen)


def joined(by_kind: Mapping[str, NDArray[np.float32]]) -> Questions:
    """All queries (q, d) of each kind, of which there is at least one."""
    kinds = np.repeat(list(by_kind), [len(rows) for rows in by_kind.values()])
    return Questions(np.concatenate(list(by_kind.values())).astype(np.float32, copy=False), kinds)


def shares(counts: Mapping[str, int], most: int) -> dict[str, int]:
    """How many of each kind ask: as many of each as there are or fit, ``most`` in all."""
    found, left = dict[str, int](), most
    for place, kind in enumerate(sorted(counts, key=lambda kind: (counts[kind], kind))):
        found[kind] = min(counts[kind], left // (len(counts) - place))
        left -= found[kind]
    return dict(sorted(found.items()))
