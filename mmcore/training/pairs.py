"""Rows of a lake → pairs of one medium's content and what its item's captions say."""

from __future__ import annotations

import hashlib
import heapq
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.features import Features, directions
from mmcore.encoders.heads import LANGUAGES, Head, language_of
from mmcore.specs import FitSpec
from mmcore.training.rows import Rows
from mmcore.training.split import caption_groups, caption_keys
from mmcore.types import Vectors

MOST: Final = 2000  # pairs that a head is fitted on: it keeps their features
FEWEST_KEYS: Final = 8  # different captions, below which nothing can be cross-validated

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

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def target(self) -> Features:
        """(n, d) what a content is to be near to: its captions' directions, languages alike."""
        return directions(np.sum([self.said[language] for language in LANGUAGES], axis=0))

    def has(self, language: str) -> NDArray[np.bool_]:
        """(n,) which have a caption in ``language``."""
        return np.asarray(np.any(self.said[language] != 0, axis=1))


def item_keys(texts: Rows) -> dict[int, str]:
    """The key that each item of ``texts`` goes by, one for all that captions connect.

    The smallest of those items' captions, English ones first. Items that share a caption in any
    language are equally right for a question, and in one fold, also by way of others.
    """
    keys: dict[int, tuple[int, str]] = {}
    said: defaultdict[int, set[str]] = defaultdict(set)
    own = zip(texts.item_ids.tolist(), texts.languages, caption_keys(texts), strict=True)
    for item, language, key in own:
        found = LANGUAGES.index(language_of(language)) if key else len(LANGUAGES), key
        keys[item] = min(keys.get(item, found), found)
        said[item] |= {key} if key else set()
    groups = caption_groups(list(keys), said)[0].tolist()
    names: dict[int, tuple[int, str]] = {}
    for group, found in zip(groups, keys.values(), strict=True):
        names[group] = min(names.get(group, found), found)
    return {item: names[group][1] for item, group in zip(keys, groups, strict=True)}


def captions_of(texts: Rows, head: Head) -> dict[int, Captions]:
    """The captions of each item of ``texts``, where ``head`` puts them."""
    projected = head.project(texts.vectors, texts.languages)
    sums: defaultdict[tuple[int, str], Features] = defaultdict(lambda: np.zeros(1))
    for row, item in enumerate(texts.item_ids.tolist()):
        language = language_of(texts.languages[row])
        sums[item, language] = sums[item, language] + projected[row]
    return {
        item: Captions(
            key,
            {
                language: directions(sums[item, language][None])[0]
                for language in LANGUAGES
                if (item, language) in sums
            },
        )
        for item, key in item_keys(texts).items()
    }


def enough(pairs: Sequence[Pair], keys: Mapping[int, str], spec: FitSpec) -> bool:
    """Whether a head can be fitted on ``pairs``; ``keys`` are those of their items."""
    items = {item for _, item in pairs}
    return len(items) >= spec.min_pairs and len({keys[i] for i in items}) >= FEWEST_KEYS


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


def pairs_of(rows: Sequence[Rows], captions: Mapping[int, Captions], dim: int) -> Pairs:
    """Pairs of all contents in ``rows`` whose item has captions; at most MOST, chosen by hash.

    A content's windows, or frames, count as one: the mean of their cells.
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
    )


def _hash(pair: Pair) -> bytes:
    return hashlib.blake2b(repr(pair).encode()).digest()
