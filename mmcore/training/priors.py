"""What is known before any pair: what class names mean, and which directions texts have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from mmcore.encoders.base import Classifies, Encoder
from mmcore.encoders.features import Features, directions
from mmcore.encoders.heads import Labels
from mmcore.training import class_names
from mmcore.types import Vectors


def labels_of(encoder: Encoder, text: Encoder, *, joint: bool) -> Labels | None:
    """The encoder's classes as vectors of the space of ``text``; None where it has no classifier.

    In a ``joint`` space they keep what all names have in common, as captions do.
    """
    if not isinstance(encoder, Classifies):
        return None
    classifier = encoder.classifier()
    vectors_of = class_names.meant if joint else class_names.class_vectors
    return Labels(classifier.weight, classifier.bias, vectors_of(text, classifier.names))


def prior_of(
    labels: Iterable[Labels | None], neutral: Callable[[], Mapping[str, Vectors]]
) -> Features:
    """Directions that texts have: of a classifier's names, else of the neutral sentences."""
    named = next((found for found in labels if found is not None), None)
    if named is not None:
        return directions(named.vectors)
    return directions(np.concatenate([v - v.mean(axis=0) for v in neutral().values()]))
