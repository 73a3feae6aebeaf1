"""One way into a shared space, for texts and for every medium, and what was learned to make it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mmcore.encoders.features import Features
from mmcore.encoders.heads import LANGUAGES, Head
from mmcore.training.alignment.world import World


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Heads of texts and, by side, of media; a side without one has no part in it."""

    text: Head
    media: Mapping[str, Head]

    def dim(self, world: World) -> int:
        """Of the space that it leads to: a text of ``world`` tells."""
        one = world.texts.take(np.array([0]))
        return int(self.text.project(one.vectors, one.languages).shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """Where a part puts a world: texts by item and language, contents by side."""

    said: Mapping[str, Features]  # language → (items, d), zero where there is no such caption
    contents: Mapping[str, Features]  # side → (pairs, d) unit


def placed(part: Part, world: World) -> Placed:
    """Captions of each item (in the order of ``world.keys``) and contents of each side."""
    captions = world.captions(part.text)
    of = [captions[item] for item in world.keys]
    dim = next((len(said) for c in of for said in c.said.values()), 0)
    return Placed(
        {
            language: np.array([c.said.get(language, np.zeros(dim)) for c in of]).reshape(-1, dim)
            for language in LANGUAGES
        },
        {
            side.name: part.media[side.name].project(side.cells, [None] * len(side))
            for side in world.sides
            if side.name in part.media
        },
    )
