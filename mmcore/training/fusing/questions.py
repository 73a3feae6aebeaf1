"""Queries made of some contents of an item, which seek what the item is without them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mmcore.training.fusing.contents import Contents, Mask, Places
from mmcore.types import Vectors, unit_rows
from storage.schemas import MODALITIES

MOST: Final = 4000  # questions that a score is the mean of
MOST_OF_ITEM: Final = 12  # contents of one item that ask
_CANCELLED: Final = 1e-6

Stacked = tuple[NDArray[np.float32], Mask]
"""(q, 4, d), zeros where there is nothing, and (q, 4) what there is: as a fusion takes them."""


@dataclass(frozen=True, slots=True, eq=False)
class Questions:
    """Each asks by some rows of an item and seeks others of the same item."""

    items: Places  # (q,)
    kinds: tuple[str, ...]  # (q,) ``image``, ``audio+text:zh`` …
    asked: tuple[Places, Places]  # place of a question, and a row of it
    sought: tuple[Places, Places]

    def __len__(self) -> int:
        return len(self.items)

    @classmethod
    def of(
        cls, contents: Contents, chosen: Sequence[tuple[int, Sequence[int], Sequence[int]]]
    ) -> Questions:
        """Of (item, rows that ask, rows that are sought)."""
        return cls(
            np.array([item for item, _, _ in chosen], dtype=np.int64),
            tuple("+".join(sorted(contents.sides[r] for r in rows)) for _, rows, _ in chosen),
            _flat([rows for _, rows, _ in chosen]),
            _flat([rows for _, _, rows in chosen]),
        )

    def queries(self, contents: Contents) -> Stacked:
        """What is asked with."""
        return stacked(contents, *self.asked, len(self))

    def targets(self, contents: Contents) -> Stacked:
        """What is sought: the item without what it is asked with."""
        return stacked(contents, *self.sought, len(self))


def every_question(contents: Contents, of: Mask, most: int = MOST) -> Questions:
    """By each content of the items ``of`` (items,) alone, and by each two of different sides.

    Where there are more than ``most`` of them, those of the first items.
    """
    chosen: list[tuple[int, Sequence[int], Sequence[int]]] = []
    for item in np.flatnonzero(of).tolist():
        chosen += _of_item(contents, item)
        if len(chosen) >= most:
            break
    return Questions.of(contents, chosen[:most])


def _of_item(contents: Contents, item: int) -> Iterator[tuple[int, Sequence[int], Sequence[int]]]:
    rows = _rows(contents, item)
    asking = [row for row in rows if contents.asks[row]][:MOST_OF_ITEM]
    twos = (
        (one, other)
        for one, other in combinations(asking, 2)
        if contents.sides[one] != contents.sides[other]
    )
    for asked in (*((row,) for row in asking), *twos):
        if left := _without(contents, rows, asked):
            yield item, asked, left


def drawn(
    contents: Contents, items: Sequence[int], pairs: float, rng: np.random.Generator
) -> Questions:
    """One question of each of ``items``; a share ``pairs`` asks by two contents, where it can."""
    chosen: list[tuple[int, Sequence[int], Sequence[int]]] = []
    for item in items:
        rows = _rows(contents, item)
        asking = [row for row in rows if contents.asks[row]]
        count = 2 if rng.random() < pairs and len(asking) > 1 else 1
        asked = [asking[i] for i in rng.choice(len(asking), size=count, replace=False).tolist()]
        left = _without(contents, rows, asked) or _without(contents, rows, asked[:1])
        if left:
            asked = asked if _without(contents, rows, asked) else asked[:1]
            chosen.append((item, asked, left))
    return Questions.of(contents, chosen)


def whole(contents: Contents, new: Mask) -> Stacked:
    """Every item with all that it has: as the lake has it, those of ``new`` (items,) as if new."""
    vectors = np.where(new[contents.items][:, None], contents.vectors, contents.settled)
    return _pooled(vectors, contents.columns, contents.items, len(contents))


def stacked(contents: Contents, places: Places, rows: Places, count: int) -> Stacked:
    """Contents of one place and modality, pooled: the direction of their mean."""
    return _pooled(contents.vectors[rows], contents.columns[rows], places, count)


def _pooled(vectors: Vectors, columns: Places, places: Places, count: int) -> Stacked:
    total = np.zeros((count, len(MODALITIES), vectors.shape[1]), dtype=np.float32)
    np.add.at(total, (places, columns), vectors)
    has: Mask = np.linalg.norm(total, axis=2) > _CANCELLED
    total[has] = unit_rows(total[has]) if has.any() else 0
    total[~has] = 0
    return total, has


def _rows(contents: Contents, item: int) -> list[int]:
    low, high = np.searchsorted(contents.items, [item, item + 1])
    return list(range(int(low), int(high)))


def _without(contents: Contents, rows: Sequence[int], asked: Sequence[int]) -> list[int]:
    """Those of an item's rows that are no content, and no caption, of what is asked with."""
    codes = {int(contents.codes[row]) for row in asked}
    ids = {contents.content_ids[row] for row in asked}
    return [
        row
        for row in rows
        if int(contents.codes[row]) not in codes and contents.content_ids[row] not in ids
    ]


def _flat(rows: Sequence[Sequence[int]]) -> tuple[Places, Places]:
    places = np.repeat(np.arange(len(rows)), [len(of) for of in rows])
    flat = np.array([row for of in rows for row in of], dtype=np.int64)
    return places.astype(np.int64), flat
