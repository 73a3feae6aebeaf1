"""Exact rankings of a gallery by matrix products, in blocks of bounded memory.

Scores are compared as rounded (``rounded.py``), and what one query's ranking takes beside its
product is small.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from mmcore.evaluation.rounded import Places, Row, best_places, first_rank
from mmcore.types import Ids, Vectors

_BLOCK_SCORES = 32_000_000  # float32 scores held at once, 128 MB: a product of few rows is slow

EXPECTED: Final = 1000
"""Relevant items of one query that are named; how many there are is counted."""

Asked = TypeVar("Asked")
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """What can be found: rows sorted by item; an item scores by its best row."""

    item_ids: Ids  # (n,) sorted, each once
    starts: Places  # (n + 1,) the first row of each item, then the number of rows
    contents: NDArray[np.str_]  # (rows,) what each row is cut from; "" for a fused vector
    vectors: Vectors  # (rows, d)

    @classmethod
    def of(cls, item_ids: Ids, contents: NDArray[np.str_], vectors: Vectors) -> Gallery:
        """Sort rows, each of one item, into a gallery."""
        order = np.argsort(item_ids, kind="stable")
        unique, starts = np.unique(item_ids[order], return_index=True)
        ends = np.append(starts, len(order)).astype(np.int64)
        return cls(unique, ends, contents[order], vectors[order])

    def positions(self, items: Ids) -> Places:
        """Places of those ``items`` that are here, in their order."""
        place = np.searchsorted(self.item_ids, items)
        here = place < len(self.item_ids)
        place, items = place[here], items[here]
        found: Places = place[self.item_ids[place] == items]
        return found

    def holds_any(self, groups: Iterable[Ids]) -> bool:
        """Whether one item of ``groups`` is here."""
        return any(len(self.positions(items)) for items in groups)


@dataclass(frozen=True, slots=True, eq=False)
class Overrides:
    """Scores that replace products: −inf takes ``rows[i]`` out of ``queries[i]``'s gallery."""

    queries: Places  # (p,) sorted
    rows: Places  # (p,)
    scores: NDArray[np.float32]  # (p,)

    @classmethod
    def of(cls, queries: Any, rows: Any, scores: Any) -> Overrides:
        """Sort by query."""
        queries = np.asarray(queries, dtype=np.int64)
        order = np.argsort(queries, kind="stable")
        return cls(
            queries[order],
            np.asarray(rows, dtype=np.int64)[order],
            np.asarray(scores, dtype=np.float32)[order],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Within:
    """A part of a gallery that is ranked beside the whole, and what is right there."""

    rows: Mask  # (rows,) that belong to the part
    relevant: Iterable[Ids]
    """The right items of each query; one that the gallery has not is right, and never found."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """What each query found, and how far down its relevant items are."""

    found: tuple[Ids, ...]  # best first, at most ``depth``; ties: the smaller id first
    hits: tuple[Places, ...]  # ranks, from 1, of the relevant ones among ``found``
    expected: tuple[Ids, ...]  # the first relevant items (``EXPECTED`` at most)
    relevant: Places  # (q,) how many there are
    first: Places  # (q,) rank of the best relevant item, from 1; 0 where none is in the gallery
    sizes: Places  # (q,) items in the query's gallery

    def take(self, queries: list[int]) -> Ranking:
        """The rankings of some of the queries, in that order."""
        return Ranking(
            tuple(self.found[query] for query in queries),
            tuple(self.hits[query] for query in queries),
            tuple(self.expected[query] for query in queries),
            self.relevant[queries],
            self.first[queries],
            self.sizes[queries],
        )

    def __add__(self, other: Ranking) -> Ranking:
        """These queries, and then those of another."""
        return Ranking(
            self.found + other.found,
            self.hits + other.hits,
            self.expected + other.expected,
            np.concatenate([self.relevant, other.relevant]),
            np.concatenate([self.first, other.first]),
            np.concatenate([self.sizes, other.sizes]),
        )

    @classmethod
    def of_none(cls, relevant: Iterable[Ids]) -> Ranking:
        """Queries that could not be asked: they find nothing of what is right."""
        told = [(items[:EXPECTED].copy(), len(items)) for items in relevant]
        none, zeros = np.zeros(0, dtype=np.int64), np.zeros(len(told), dtype=np.int64)
        return cls(
            (none,) * len(told),
            (none,) * len(told),
            tuple(items for items, _ in told),
            np.array([count for _, count in told], dtype=np.int64),
            zeros,
            zeros,
        )

    def in_common(
        self, asked: Sequence[str], common: Mapping[str, Asked], right: Callable[[Asked], Ids]
    ) -> tuple[list[Asked], Ranking]:
        """The queries of ``common``, in the order of their names, and what they found.

        ``asked`` names those that this is the ranking of; one of ``common`` that is not among them
        could not ask, and found nothing of what is ``right`` for it.
        """
        mine = [place for place, name in enumerate(asked) if name in common]
        lost = sorted(common.keys() - {asked[place] for place in mine})
        names = [*(asked[place] for place in mine), *lost]
        order = sorted(range(len(names)), key=names.__getitem__)
        found = self.take(mine) + Ranking.of_none(right(common[name]) for name in lost)
        return [common[names[place]] for place in order], found.take(order)


def rank(
    queries: Vectors,
    gallery: Gallery,
    relevant: Iterable[Ids],
    overrides: Overrides,
    *,
    depth: int,
) -> Ranking:
    """Rank ``gallery`` for each of ``queries`` (q, d) by inner product, exactly.

    Args:
        queries: unit rows in the gallery's space.
        gallery: what can be found.
        relevant: the relevant items of each query, taken one query at a time; those not in the
            gallery are left out.
        overrides: rows that leave one query's gallery, or score otherwise there.
        depth: ranks kept; ``first`` counts beyond them.
    """
    found = _Rankings(gallery, depth)
    scored = zip(_scores(queries, gallery, overrides), relevant, strict=True)
    for (_, scores, touched), items in scored:
        found.add(scores, items, len(scores) - _gone(scores, touched))
    return found.made()


def rank_both(
    queries: Vectors,
    gallery: Gallery,
    relevant: Iterable[Ids],
    overrides: Overrides,
    within: Within,
    *,
    depth: int,
) -> tuple[Ranking, Ranking]:
    """``rank`` over the whole gallery, and over a part of it, by the same products."""
    whole, common = _Rankings(gallery, depth), _Rankings(gallery, depth)
    part = _Part.of(gallery, within.rows)
    scored = _scores(queries, gallery, overrides)
    for (row, scores, touched), items, right in zip(
        scored, relevant, within.relevant, strict=True
    ):
        whole.add(scores, items, len(scores) - _gone(scores, touched))
        part.narrow(scores, row)
        left = touched[part.has[touched]]
        common.add(scores, right, part.size - _gone(scores, left), lacking=True)
    return whole.made(), common.made()


@dataclass(slots=True, eq=False)
class _Rankings:
    """The rankings that are made, one query after another."""

    gallery: Gallery
    depth: int
    found: list[Ids] = field(default_factory=list)
    hits: list[Places] = field(default_factory=list)
    expected: list[Ids] = field(default_factory=list)
    counts: list[tuple[int, int, int]] = field(default_factory=list)
    _right: Mask = field(init=False)  # of one query at a time

    def __post_init__(self) -> None:
        self._right = np.zeros(len(self.gallery.item_ids), dtype=bool)

    def add(self, scores: Row, items: Ids, size: int, *, lacking: bool = False) -> None:
        """Rank by the ``scores`` of all items; ``lacking``: right ones that are not here count."""
        right = self.gallery.positions(items)
        right = right[scores[right] > -np.inf]
        top = best_places(scores, self.depth)
        self._right[right] = True
        hits = np.flatnonzero(self._right[top]) + 1
        self._right[right] = False
        first = int(hits[0]) if len(hits) else first_rank(scores, right)
        named = items if lacking else self.gallery.item_ids[right]
        self.found.append(self.gallery.item_ids[top])
        self.hits.append(hits)
        self.expected.append(named[:EXPECTED].copy())
        self.counts.append((len(named), first, size))

    def made(self) -> Ranking:
        """All that were added."""
        counts = np.array(self.counts, dtype=np.int64).reshape(-1, 3).T
        return Ranking(tuple(self.found), tuple(self.hits), tuple(self.expected), *counts)


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """Which items of a gallery a part has: all rows of an item, some, or none."""

    has: Mask  # (n,)
    out: Places  # items without a row in the part
    some: Places  # items with rows in it and others
    rows: Places  # of ``some``, those in the part
    starts: Places  # the first place in ``rows`` of each of ``some``
    size: int

    @classmethod
    def of(cls, gallery: Gallery, rows: Mask) -> _Part:
        """By the rows that belong to it."""
        counts = np.diff(np.concatenate([[0], np.cumsum(rows)])[gallery.starts])
        has = counts > 0
        some = np.flatnonzero(has & (counts < np.diff(gallery.starts)))
        owners = np.repeat(np.arange(len(has)), np.diff(gallery.starts))
        mine = np.flatnonzero(rows & np.isin(owners, some)) if len(some) else some
        starts = np.searchsorted(owners[mine], some)
        return cls(has, np.flatnonzero(~has), some, mine, starts, int(np.count_nonzero(has)))

    def narrow(self, scores: Row, row: Row) -> None:
        """Make the ``scores`` of all items those of the part; ``row``: of all rows."""
        scores[self.out] = -np.inf
        if len(self.some):
            scores[self.some] = np.maximum.reduceat(row[self.rows], self.starts)


def _scores(
    queries: Vectors, gallery: Gallery, overrides: Overrides
) -> Iterator[tuple[Row, Row, Places]]:
    """Of each query: scores of all rows, of all items by their best row, and overridden items."""
    several = len(gallery.vectors) > len(gallery.item_ids)  # rows of one item
    owners = np.searchsorted(gallery.starts, overrides.rows, side="right") - 1
    step = max(1, min(len(queries), _BLOCK_SCORES // max(1, len(gallery.vectors))))
    products = np.empty((step, len(gallery.vectors)), dtype=np.float32)
    for low in range(0, len(queries), step):
        block = products[: len(queries) - low]
        np.matmul(queries[low : low + step], gallery.vectors.T, out=block)
        ends = np.searchsorted(overrides.queries, np.arange(low, low + len(block) + 1))
        mine = slice(ends[0], ends[-1])
        block[overrides.queries[mine] - low, overrides.rows[mine]] = overrides.scores[mine]
        touched = (owners[start:end] for start, end in pairwise(ends.tolist()))
        for row, places in zip(block, touched, strict=True):  # one lies in the processor's cache
            best = np.maximum.reduceat(row, gallery.starts[:-1]) if several else row
            yield row, best, np.unique(places) if len(places) else places


def _gone(scores: Row, touched: Places) -> int:
    """How many of the overridden items have left the query's gallery."""
    return int(np.count_nonzero(scores[touched] == -np.inf)) if len(touched) else 0
