"""Rows of a lake → pairs of one medium's content and what its item's captions say."""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.features import Features, directions
from mmcore.encoders.heads import LANGUAGES, Head, language_of
from mmcore.specs import FitSpec
from mmcore.training.naming import Naming, Sameness, naming_of
from mmcore.training.rows import Rows
from mmcore.types import Vectors

MOST: Final = 2000  # pairs that a head is fitted on: it keeps their features
FEWEST_KEYS: Final = 8  # different captions, and contents, below which nothing can be fitted

Pair = tuple[str, int]
"""A content and an item that has it."""


@dataclass(frozen=True, slots=True, eq=False)
class Captions:
    """What the captions of one item say, per language, and the key that its folds go by."""

    key: str
    said: Mapping[str, NDArray[np.float32]]  # language → (d,) mean of centred captions, unit


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """Row ``i``: the mean cell of one content, and its item's captions."""

    content_ids: tuple[str, ...]
    item_ids: tuple[int, ...]
    keys: tuple[str, ...]
    cells: Vectors  # (n, dim), not unit
    said: Mapping[str, Features]  # language → (n, d), zero where an item has no such caption
    same: Sameness | None = None  # what is right for whom; None: as ``keys`` are equal

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def pairs(self) -> list[Pair]:
        """Their contents and items."""
        return list(zip(self.content_ids, self.item_ids, strict=True))

    @property
    def target(self) -> Features:
        """(n, d) what a content is to be near to: its captions' directions, languages alike."""
        return directions(np.sum([self.said[language] for language in LANGUAGES], axis=0))

    @property
    def right(self) -> Sameness:
        """What is right for whom."""
        return Sameness.of_keys(self.keys) if self.same is None else self.same

    def has(self, language: str) -> NDArray[np.bool_]:
        """(n,) which have a caption in ``language``."""
        return np.asarray(np.any(self.said[language] != 0, axis=1))


def captions_of(texts: Rows, head: Head, naming: Naming | None = None) -> dict[int, Captions]:
    """The captions of each item of ``texts``, where ``head`` puts them.

    ``naming``: what the items go by, where that is known; else by their captions alone.
    """
    projected = head.project(texts.vectors, texts.languages)
    keys = (naming_of(texts) if naming is None else naming).keys
    place = {item: row for row, item in enumerate(keys)}
    rows = np.array([place[item] for item in texts.item_ids.tolist()], dtype=np.intp)
    spoken = np.array([language_of(language) for language in texts.languages])
    items, said = list(keys), {item: dict[str, NDArray[np.float32]]() for item in keys}
    for language in LANGUAGES:
        mine = np.flatnonzero(spoken == language)
        mine = mine[np.argsort(rows[mine], kind="stable")]
        there, starts = np.unique(rows[mine], return_index=True)
        if len(there):
            sums = np.add.reduceat(projected[mine].astype(np.float64), starts, axis=0)
            for row, found in zip(there.tolist(), directions(sums), strict=True):
                said[items[row]][language] = found
    return {item: Captions(key, said[item]) for item, key in keys.items()}


def enough(pairs: Sequence[Pair], keys: Mapping[int, str], spec: FitSpec) -> bool:
    """Whether a head can be fitted on ``pairs``; ``keys`` are their items' own captions'.

    It takes ``min_pairs`` items, and FEWEST_KEYS different captions and contents of theirs.
    """
    contents, items = {content for content, _ in pairs}, {item for _, item in pairs}
    different = min(len(contents), len({keys[item] for item in items}))
    return len(items) >= spec.min_pairs and different >= FEWEST_KEYS


def contents_of(rows: Iterable[Rows]) -> Iterator[Pair]:
    """All contents of media, each with an item that has it; a segment is told as often."""
    for part in rows:
        yield from zip(part.content_ids, part.item_ids.tolist(), strict=True)


def choose(rows: Sequence[Rows], items: Collection[int]) -> list[Pair]:
    """At most MOST (content, item) of ``rows``, of those ``items``, by hash; reads no vector."""
    every = {
        pair
        for part in rows
        for pair in zip(part.content_ids, part.item_ids.tolist(), strict=True)
        if pair[1] in items
    }
    return heapq.nsmallest(MOST, every, key=_hash)


def of_pairs(rows: Rows, pairs: Collection[Pair]) -> Rows:
    """The rows of those ``pairs``."""
    own = zip(rows.content_ids, rows.item_ids.tolist(), strict=True)
    return rows.take(np.fromiter((pair in pairs for pair in own), dtype=bool, count=len(rows)))


def pairs_of(
    rows: Sequence[Rows],
    captions: Mapping[int, Captions],
    dim: int,
    naming: Naming | None = None,
) -> Pairs:
    """Pairs of all contents in ``rows`` whose item has captions; at most MOST, chosen by hash.

    A content's windows, or frames, count as one: the mean of their cells. ``naming``: what the
    items go by, where captions do not tell all.
    """
    chosen = choose(rows, captions.keys())
    cells: dict[Pair, list[NDArray[np.float32]]] = {pair: [] for pair in chosen}
    for part in rows:
        own = zip(part.content_ids, part.item_ids.tolist(), strict=True)
        for row, pair in enumerate(own):
            if pair in cells:
                cells[pair].append(part.vectors[row])
    said = {
        language: np.array(
            [captions[item].said.get(language, np.zeros(dim)) for _, item in chosen]
        ).reshape(len(chosen), dim)
        for language in LANGUAGES
    }
    width = max((part.vectors.shape[1] for part in rows), default=0)
    means = np.array([np.mean(cells[pair], axis=0) for pair in chosen], dtype=np.float32)
    return Pairs(
        content_ids=tuple(content for content, _ in chosen),
        item_ids=tuple(item for _, item in chosen),
        keys=tuple(captions[item].key for _, item in chosen),
        cells=means.reshape(len(chosen), width),
        said=said,
        same=None if naming is None else naming.rows(item for _, item in chosen),
    )


def _hash(pair: Pair) -> bytes:
    return hashlib.blake2b(repr(pair).encode()).digest()
