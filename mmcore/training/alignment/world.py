"""What a projection is trained on: captions, and the pairs of each space that is led there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.features import Features, Reading
from mmcore.encoders.heads import LANGUAGES, Labels
from mmcore.training.pairs import Captions, Pairs, item_keys
from mmcore.training.rows import Rows
from mmcore.types import EncoderKey, Vectors


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """The encoders of one space, what they are read by, and its pairs: none where they are few."""

    keys: tuple[EncoderKey, ...]
    reading: Reading
    labels: Labels | None
    content_ids: tuple[str, ...]
    item_ids: NDArray[np.int64]  # (n,)
    cells: Vectors  # (n, dim) means of contents

    @property
    def name(self) -> str:
        """The first encoder's."""
        return self.keys[0].name

    def __len__(self) -> int:
        return len(self.content_ids)

    def of(self, items: Collection[int]) -> Side:
        """The pairs of ``items``."""
        rows = np.flatnonzero(np.isin(self.item_ids, np.fromiter(items, np.int64, len(items))))
        contents = tuple(self.content_ids[i] for i in rows.tolist())
        return replace(
            self, content_ids=contents, item_ids=self.item_ids[rows], cells=self.cells[rows]
        )

    def pairs(self, captions: Mapping[int, Captions], dim: int) -> Pairs:
        """The pairs, with what ``captions`` of ``dim`` numbers say of their items."""
        of = [captions[item] for item in self.item_ids.tolist()]
        said = {
            language: np.array([c.said.get(language, np.zeros(dim)) for c in of]).reshape(-1, dim)
            for language in LANGUAGES
        }
        return Pairs(
            self.content_ids,
            tuple(self.item_ids.tolist()),
            tuple(c.key for c in of),
            self.cells,
            said,
        )


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """All that a fit sees. ``texts`` are those that may be fitted on."""

    text: EncoderKey
    joint: bool
    texts: Rows
    sides: tuple[Side, ...]
    neutral: Mapping[str, Vectors]  # language → background sentences; none in a joint space
    prior: Features | None  # directions that texts have; None in a joint space

    @property
    def keys(self) -> dict[int, str]:
        """The caption key of each item."""
        return item_keys(self.texts)

    def of(self, items: Collection[int]) -> World:
        """The same with the texts and pairs of ``items`` only."""
        mine = np.isin(self.texts.item_ids, np.fromiter(items, np.int64, len(items)))
        sides = tuple(side.of(items) for side in self.sides)
        return replace(self, texts=self.texts.take(mine), sides=sides)
