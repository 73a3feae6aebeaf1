"""Which rows a batch has: classes alike, or some classes with equally many rows of each."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Sampler

from mmcore.errors import NothingToLearnError

Labels = NDArray[np.int64] | Sequence[int]


def _rows_by_class(labels: Labels) -> dict[int, NDArray[np.int64]]:
    """The rows of each class; -1 is no class."""
    known = np.asarray(labels, dtype=np.int64)
    return {int(one): np.flatnonzero(known == one) for one in np.unique(known[known >= 0])}


def _labelled(labels: Labels) -> dict[int, NDArray[np.int64]]:
    found = _rows_by_class(labels)
    if not found:
        raise NothingToLearnError(
            "no item has a label, and sampling by class needs some: name them in a manifest or by"
            " folders, or set balance.sampling=none"
        )
    return found


class Balanced(Sampler[int]):
    """Rows with replacement, as many as there are: each class as often as any other.

    Random oversampling of rare classes (Japkowicz & Stephen, "The class imbalance problem",
    2002). Rows without a label (-1) keep their share of the whole. ``set_epoch`` gives other
    draws; the same seed and epoch give the same. Raises NothingToLearnError without any label.
    """

    def __init__(self, labels: Labels, seed: int) -> None:
        rows = _labelled(labels)
        self.seed, self.epoch = seed, 0
        known = np.asarray(labels, dtype=np.int64)
        weights = np.ones(len(known))
        share = float(np.count_nonzero(known >= 0)) / len(rows)
        for of in rows.values():
            weights[of] = share / len(of)
        self.chances: NDArray[np.float64] = weights / weights.sum()

    def set_epoch(self, epoch: int) -> None:
        """Other draws from now on."""
        self.epoch = epoch

    def __len__(self) -> int:
        return len(self.chances)

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng((self.seed, self.epoch))
        yield from rng.choice(len(self.chances), size=len(self.chances), p=self.chances).tolist()


def balanced(labels: Labels, seed: int) -> Balanced:
    """A sampler that draws all classes alike; see ``Balanced``."""
    return Balanced(labels, seed)


class ClassAware(Sampler[list[int]]):
    """Batches of ``classes_per_batch`` different classes with ``per_class`` rows of each.

    Class-aware sampling (Shen et al., "Relay Backpropagation", 2016): the classes, and the rows
    of each, are gone through in random order, again and again, so that no row comes a second time
    before all of its class came once. Rows without a label (-1) are left out. Where there are
    fewer classes, a batch has all of them. An epoch has as many batches as would hold each
    labelled row once. Raises NothingToLearnError without any label.
    """

    def __init__(self, labels: Labels, classes_per_batch: int, per_class: int, seed: int) -> None:
        if classes_per_batch < 1 or per_class < 1:
            raise ValueError(f"{classes_per_batch} classes of {per_class} rows make no batch")
        self.rows = _labelled(labels)
        self.seed, self.epoch = seed, 0
        self.classes, self.per_class = min(classes_per_batch, len(self.rows)), per_class

    def set_epoch(self, epoch: int) -> None:
        """Other batches from now on."""
        self.epoch = epoch

    def __len__(self) -> int:
        rows = sum(len(of) for of in self.rows.values())
        return math.ceil(rows / (self.classes * self.per_class))

    def __iter__(self) -> Iterator[list[int]]:
        rng = np.random.default_rng((self.seed, self.epoch))
        classes = _around(np.array(list(self.rows), dtype=np.int64), rng)
        rows = {one: _around(of, rng) for one, of in self.rows.items()}
        for chosen in islice(_groups(classes, self.classes), len(self)):
            yield [next(rows[one]) for one in chosen for _ in range(self.per_class)]


def _around(values: NDArray[np.int64], rng: np.random.Generator) -> Iterator[int]:
    """The values in random order, then in another one, without end."""
    while True:
        yield from rng.permutation(values).tolist()


def _groups(values: Iterator[int], count: int) -> Iterator[list[int]]:
    """Groups of ``count`` different values; one that would come twice waits for the next group."""
    waiting: deque[int] = deque()
    while True:
        group: dict[int, None] = {}
        later = []
        while len(group) < count:
            value = waiting.popleft() if waiting else next(values)
            if value in group:
                later.append(value)
            group[value] = None
        waiting.extendleft(reversed(later))
        yield list(group)
