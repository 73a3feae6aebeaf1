"""Weights of modalities, by a small grid."""

from __future__ import annotations

from itertools import product
from typing import Final

import numpy as np

from mmcore.fusion.base import fusion_of
from mmcore.specs import FusionSpec
from mmcore.training.fusing.contents import Contents
from mmcore.training.fusing.scoring import Exam, scored
from storage.schemas import MODALITIES

WEIGHTS: Final = (1.0, 0.5, 2.0)  # of a modality, against the first one's 1


def best_weights(contents: Contents) -> dict[str, float]:
    """The weights by which ``contents`` are found best; equal ones where none are better."""
    present = [str(MODALITIES[column]) for column in np.unique(contents.columns)]
    exam = Exam.of(contents)
    tried = [
        dict(zip(present, (1.0, *rest), strict=True))
        for rest in product(WEIGHTS, repeat=len(present) - 1)
    ]
    scores = [
        scored(fusion_of(FusionSpec(name="weighted", weights=weights)), exam) for weights in tried
    ]
    return tried[int(np.argmax(scores))]  # of equals the first: weights alike
