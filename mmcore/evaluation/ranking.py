"""Exact rankings of a gallery by matrix products, in blocks of bounded memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmcore.types import Ids, Vectors

_BLOCK_SCORES = 8_000_000  # float32 scores held at once: 32 MB
_DIGITS = 6  # the last bits of a product depend on its block; equal vectors must tie
_EXPECTED = 10  # relevant items that are named to a person

Places = NDArray[np.int64]


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
class Ranking:
    """What each query found, and how far down its relevant items are."""

    found: tuple[Ids, ...]  # best first, at most ``depth``; ties: the smaller id first
    hits: tuple[Places, ...]  # ranks, from 1, of the relevant ones among ``found``
    expected: tuple[Ids, ...]  # the first few relevant items that the query's gallery holds
    relevant: Places  # (q,) how many it holds
    first: Places  # (q,) rank of the best relevant item, from 1; 0 where there is none
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
    found, hits, expected = list[Ids](), list[Places](), list[Ids]()
    counts = np.zeros((3, len(queries)), dtype=np.int64)
    right_ones = np.zeros(len(gallery.item_ids), dtype=bool)  # of one query at a time
    scored = zip(_scores(queries, gallery, overrides), relevant, strict=True)
    for query, (scores, items) in enumerate(scored):
        right = gallery.positions(items)
        right = right[scores[right] > -np.inf]
        top = _top(scores, depth)
        found.append(gallery.item_ids[top])
        right_ones[right] = True
        hits.append(np.flatnonzero(right_ones[top]) + 1)
        right_ones[right] = False
        expected.append(gallery.item_ids[right[:_EXPECTED]])
        counts[:, query] = len(right), _first(scores, right), np.count_nonzero(scores > -np.inf)
    return Ranking(tuple(found), tuple(hits), tuple(expected), *counts)


def _scores(
    queries: Vectors, gallery: Gallery, overrides: Overrides
) -> Iterator[NDArray[np.float32]]:
    """(items,) the scores of each query: of an item, that of its best row."""
    several = len(gallery.vectors) > len(gallery.item_ids)  # rows of one item
    step = max(1, _BLOCK_SCORES // max(1, len(gallery.vectors)))
    for low in range(0, len(queries), step):
        scores = queries[low : low + step] @ gallery.vectors.T
        mine = slice(*np.searchsorted(overrides.queries, [low, low + step]))
        scores[overrides.queries[mine] - low, overrides.rows[mine]] = overrides.scores[mine]
        for row in scores:  # one at a time: what is taken of it lies in the processor's cache
            best = np.maximum.reduceat(row, gallery.starts[:-1]) if several else row
            yield np.round(best, _DIGITS, out=best)


def _first(scores: NDArray[np.float32], right: Places) -> int:
    """Rank, from 1, of the best of the places ``right``; 0 where there are none."""
    if not len(right):
        return 0
    goal = scores[right].max()
    place = right[scores[right] == goal].min()
    return int(1 + np.count_nonzero(scores > goal) + np.count_nonzero(scores[:place] == goal))


def _top(scores: NDArray[np.float32], depth: int) -> Places:
    """The best ``depth`` places, best first, ties by smaller place; −inf is not among them."""
    least = np.partition(scores, -depth)[-depth] if len(scores) > depth else -np.inf
    near = np.flatnonzero((scores >= least) & (scores > -np.inf))
    order = np.argsort(-scores[near], kind="stable")[:depth]
    found: Places = near[order]
    return found
