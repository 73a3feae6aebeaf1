"""Exact rankings of a gallery by matrix products, in blocks of bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmcore.types import Ids, Vectors

_BLOCK_ROWS = 4096
_BLOCK_SCORES = 8_000_000  # float32 scores held at once: 32 MB
_DIGITS = 6  # the last bits of a product depend on its block; equal vectors must tie

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


@dataclass(frozen=True, slots=True, eq=False)
class Overrides:
    """Scores that replace products: −inf takes ``rows[i]`` out of ``queries[i]``'s gallery."""

    queries: Places  # (p,)
    rows: Places  # (p,) sorted
    scores: NDArray[np.float32]  # (p,)

    @classmethod
    def of(cls, queries: Any, rows: Any, scores: Any) -> Overrides:
        """Sort by row."""
        rows = np.asarray(rows, dtype=np.int64)
        order = np.argsort(rows, kind="stable")
        return cls(
            np.asarray(queries, dtype=np.int64)[order],
            rows[order],
            np.asarray(scores, dtype=np.float32)[order],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """What each query found, and how far down its first relevant item is."""

    found: tuple[Ids, ...]  # best first, at most ``depth``; ties: the smaller id first
    relevant: tuple[Ids, ...]  # those relevant items that the query's gallery holds, sorted
    first: Places  # (q,) rank of the best relevant item, from 1; 0 where there is none
    sizes: Places  # (q,) items in the query's gallery

    def take(self, queries: list[int]) -> Ranking:
        """The rankings of some of the queries, in that order."""
        return Ranking(
            tuple(self.found[query] for query in queries),
            tuple(self.relevant[query] for query in queries),
            self.first[queries],
            self.sizes[queries],
        )


def rank(
    queries: Vectors,
    gallery: Gallery,
    relevant: list[Ids],
    overrides: Overrides,
    *,
    depth: int,
) -> Ranking:
    """Rank ``gallery`` for each of ``queries`` (q, d) by inner product, exactly.

    Args:
        queries: unit rows in the gallery's space.
        gallery: what can be found.
        relevant: the relevant items of each query, sorted; those not in the gallery are left out.
        overrides: rows that leave one query's gallery, or score otherwise there.
        depth: ranks kept; ``first`` counts beyond them.
    """
    owners, places = _pairs([gallery.positions(items) for items in relevant])
    reached = np.full(len(places), -np.inf, dtype=np.float32)
    for first, scores in _blocks(queries, gallery, overrides):
        inside = (places >= first) & (places < first + scores.shape[1])
        reached[inside] = scores[owners[inside], places[inside] - first]
    held = reached > -np.inf
    owners, places, reached = owners[held], places[held], reached[held]
    goal, goal_place = _best(len(queries), owners, places, reached)
    top = _Top(len(queries), depth)
    better, sizes = np.zeros((2, len(queries)), dtype=np.int64)
    for first, scores in _blocks(queries, gallery, overrides):
        here = np.arange(first, first + scores.shape[1])
        better += np.count_nonzero(scores > goal[:, None], axis=1)
        ties = (scores == goal[:, None]) & (here < goal_place[:, None])
        better += np.count_nonzero(ties, axis=1)
        sizes += np.count_nonzero(scores > -np.inf, axis=1)
        top.add(here, scores)
    ids = gallery.item_ids
    return Ranking(
        found=tuple(ids[row] for row in top.rows()),
        relevant=tuple(
            ids[mine]
            for mine in np.split(places, np.searchsorted(owners, np.arange(1, len(queries))))
        ),
        first=np.where(goal > -np.inf, better + 1, 0),
        sizes=sizes,
    )


def _pairs(rows: list[Places]) -> tuple[Places, Places]:
    owners = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    return owners, np.concatenate(rows) if rows else np.zeros(0, dtype=np.int64)


def _best(
    count: int, owners: Places, places: Places, reached: NDArray[np.float32]
) -> tuple[NDArray[np.float32], Places]:
    """Score and place of each query's best relevant item; −inf and −1 where there is none."""
    goal = np.full(count, -np.inf, dtype=np.float32)
    goal_place = np.full(count, -1, dtype=np.int64)
    order = np.lexsort((-places, reached))  # the best comes last and stays
    goal[owners[order]] = reached[order]
    goal_place[owners[order]] = places[order]
    return goal, goal_place


def _blocks(
    queries: Vectors, gallery: Gallery, overrides: Overrides
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Place of a block's first item, and the block's scores (q, items)."""
    first = 0
    while first < len(gallery.item_ids):
        limit = gallery.starts[first] + _BLOCK_ROWS
        last = max(first + 1, int(np.searchsorted(gallery.starts, limit, side="right")) - 1)
        low, high = int(gallery.starts[first]), int(gallery.starts[last])
        mine = slice(*np.searchsorted(overrides.rows, [low, high]))
        block = Overrides(
            overrides.queries[mine], overrides.rows[mine] - low, overrides.scores[mine]
        )
        starts = gallery.starts[first:last] - low
        yield first, _block_scores(queries, gallery.vectors[low:high], starts, block)
        first = last


def _block_scores(
    queries: Vectors, vectors: Vectors, starts: Places, overrides: Overrides
) -> NDArray[np.float32]:
    best = np.empty((len(queries), len(starts)), dtype=np.float32)
    step = max(1, _BLOCK_SCORES // max(1, len(vectors)))
    for low in range(0, len(queries), step):
        scores = queries[low : low + step] @ vectors.T
        mine = (overrides.queries >= low) & (overrides.queries < low + step)
        scores[overrides.queries[mine] - low, overrides.rows[mine]] = overrides.scores[mine]
        best[low : low + step] = np.maximum.reduceat(scores, starts, axis=1)
    return np.round(best, _DIGITS)


class _Top:
    """The best ``depth`` places of each query so far, best first, ties by smaller place."""

    def __init__(self, queries: int, depth: int) -> None:
        self._depth = depth
        self._scores = np.empty((queries, 0), dtype=np.float32)
        self._places = np.empty((queries, 0), dtype=np.int64)

    def add(self, here: Places, scores: NDArray[np.float32]) -> None:
        """Take in a block; its places come after all earlier ones."""
        kept_places, kept_scores = self._of_block(here, scores)
        places = np.concatenate([self._places, kept_places], axis=1)
        values = np.concatenate([self._scores, kept_scores], axis=1)
        order = np.lexsort((places, -values), axis=-1)[:, : self._depth]
        self._places = np.take_along_axis(places, order, axis=1)
        self._scores = np.take_along_axis(values, order, axis=1)

    def _of_block(
        self, here: Places, scores: NDArray[np.float32]
    ) -> tuple[Places, NDArray[np.float32]]:
        """The first ``depth`` of the block, or all: what is over the threshold, then ties."""
        count, width = scores.shape
        if width <= self._depth:
            return np.broadcast_to(here, scores.shape), scores
        threshold = np.partition(scores, width - self._depth, axis=1)[:, width - self._depth]
        above, equal = scores > threshold[:, None], scores == threshold[:, None]
        room = self._depth - above.sum(axis=1)
        keep = above | (equal & (np.cumsum(equal, axis=1) <= room[:, None]))
        shape = (count, self._depth)
        return here[np.nonzero(keep)[1]].reshape(shape), scores[keep].reshape(shape)

    def rows(self) -> Iterator[Places]:
        """The places of each query; what is not in its gallery is left out."""
        for places, scores in zip(self._places, self._scores, strict=True):
            yield places[scores > -np.inf]
