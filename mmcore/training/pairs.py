"""Rows of a lake → pairs of one medium's content and what its item's captions say."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.features import Features, directions
from mmcore.encoders.heads import LANGUAGES, TextHead
from mmcore.training.rows import Rows
from mmcore.training.split import caption_keys
from mmcore.types import Vectors

MOST: Final = 2000  # pairs that a head is fitted on: it keeps their features


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


def captions_of(texts: Rows, head: TextHead) -> dict[int, Captions]:
    """The captions of each item of ``texts``, in the shared space."""
    projected = head.project(texts.vectors, texts.languages)
    keys: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)
    sums: defaultdict[tuple[int, str], Features] = defaultdict(lambda: np.zeros(1))
    own = zip(texts.item_ids.tolist(), caption_keys(texts), strict=True)
    for row, (item, key) in enumerate(own):
        language = language_of(texts.languages[row])
        keys[item].append((LANGUAGES.index(language), key))
        sums[item, language] = sums[item, language] + projected[row]
    return {
        item: Captions(
            min(found)[1],
            {
                language: directions(sums[item, language][None])[0]
                for language in LANGUAGES
                if (item, language) in sums
            },
        )
        for item, found in keys.items()
    }


def pairs_of(rows: Sequence[Rows], captions: Mapping[int, Captions], dim: int) -> Pairs:
    """Pairs of all contents in ``rows`` whose item has captions; at most MOST, chosen by hash.

    A content's windows, or frames, count as one: the mean of their cells.
    """
    cells: defaultdict[tuple[str, int], list[NDArray[np.float32]]] = defaultdict(list)
    for part in rows:
        for row, item in enumerate(part.item_ids.tolist()):
            if item in captions:
                cells[part.content_ids[row], item].append(part.vectors[row])
    chosen = sorted(cells, key=lambda pair: hashlib.blake2b(repr(pair).encode()).digest())[:MOST]
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


def language_of(language: str | None) -> str:
    """``language`` where texts have a mean of their own for it, else ``other``."""
    return language if language in LANGUAGES else "other"
