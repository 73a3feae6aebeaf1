"""What a projection is trained on: captions, and the pairs of each space that is led there."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.features import Features, Reading
from mmcore.encoders.heads import LANGUAGES, Head, Labels
from mmcore.training.naming import Naming, naming_of
from mmcore.training.pairs import Captions, Pairs, captions_of
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


@dataclass(frozen=True, eq=False)  # no slots: what is made once is kept
class World:
    """All that a fit sees. ``texts`` are those that may be fitted on."""

    text: EncoderKey
    joint: bool
    texts: Rows
    sides: tuple[Side, ...]
    neutral: Mapping[str, Vectors]  # language → background sentences; none in a joint space
    prior: Features | None  # directions that texts have; None in a joint space
    whole: Naming | None = None  # what items go by in the world that this is a part of

    @cached_property
    def naming(self) -> Naming:
        """What each item goes by: that of the whole world, or by captions and contents here."""
        if self.whole is not None:
            return self.whole.of(self.texts.item_ids.tolist())
        pairs = (
            pair
            for side in self.sides
            for pair in zip(side.content_ids, side.item_ids.tolist(), strict=True)
        )
        return naming_of(self.texts, pairs)

    @property
    def keys(self) -> Mapping[int, str]:
        """The key of each item's group."""
        return self.naming.keys

    def captions(self, head: Head) -> dict[int, Captions]:
        """Those of each item, where ``head`` puts them."""
        return captions_of(self.texts, head, self.naming)

    def pairs(self, side: Side, captions: Mapping[int, Captions]) -> Pairs:
        """Those of a side, with what ``captions`` say of their items, and who is right."""
        found = side.pairs(captions, self.text.dim)
        return replace(found, same=self.naming.rows(found.item_ids))

    def of(self, items: Collection[int]) -> World:
        """The same with the texts and pairs of ``items`` only."""
        mine = np.isin(self.texts.item_ids, np.fromiter(items, np.int64, len(items)))
        sides = tuple(side.of(items) for side in self.sides)
        return replace(self, texts=self.texts.take(mine), sides=sides, whole=self.naming)
