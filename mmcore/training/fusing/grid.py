"""Weights of modalities, by a small grid."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import Final

import numpy as np

from mmcore.fusion.base import fusion_of
from mmcore.specs import FusionSpec
from mmcore.training.fusing.contents import Contents
from mmcore.training.fusing.scoring import Exam, Found, ranks_of
from storage.schemas import MODALITIES

WEIGHTS: Final = (1.0, 0.5, 2.0)  # of a modality, against the first one's 1

Weights = dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The weights that can be, and what each found of every part of the items."""

    tried: tuple[Weights, ...]
    found: dict[int, list[Found]] = field(default_factory=dict)  # by part, in the order of tried

    @classmethod
    def of(cls, contents: Contents) -> Grid:
        """Nothing asked yet; equal weights come first."""
        present = [str(MODALITIES[column]) for column in np.unique(contents.columns)]
        every = product(WEIGHTS, repeat=max(0, len(present) - 1))
        return cls(tuple(dict(zip(present, (1.0, *rest), strict=False)) for rest in every))

    def ask(self, exam: Exam, part: int) -> None:
        """All weights, by the questions of one part."""
        for weights in self.tried:
            found = Found()
            found.add(
                exam, ranks_of(fusion_of(FusionSpec(name="weighted", weights=weights)), exam)
            )
            self.found.setdefault(part, []).append(found)

    def best(self, without: int | None = None) -> int:
        """The place of the weights that find best in all parts but one; of equals the first.

        Of those by which single contents find no worse than by equal weights.
        """
        asked = [found for part, found in self.found.items() if part != without]
        every = [Found.together([of[place] for of in asked]) for place in range(len(self.tried))]
        scores = [
            found.scores().get("RR", 0.0) if found.finds_singles(every[0]) else -1.0
            for found in every
        ]
        return int(np.argmax(scores))

    def held(self) -> Found:
        """What each part's questions find by the weights that are best in the other parts."""
        return Found.together([found[self.best(part)] for part, found in self.found.items()])
