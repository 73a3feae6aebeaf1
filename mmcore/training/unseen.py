"""Where media lie in a shared space by projections that were not fitted on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Places = Mapping[str, NDArray[np.float32]]
"""Content → its unit vector (d,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Unseen:
    """Contents of a projection's fit, each placed by one that was fitted on the other folds.

    A projection places what it was fitted on nearer to its captions than anything new, so what is
    learned upon it is learned from these places.
    """

    vectors: Mapping[str, Places] = field(default_factory=dict)  # by encoder, or by modality
    folds: Mapping[int, int] = field(default_factory=dict)
    """By item: the number of the fold, whose items one projection placed. Places of two folds do
    not compare: the projection of the one was fitted on the other, and leads to its captions."""

    def by(self, encoders: Mapping[str, str]) -> Unseen:
        """The same under other names; ``encoders``: new name → the encoder."""
        named = {new: self.vectors[name] for new, name in encoders.items() if name in self.vectors}
        return Unseen(named, self.folds)
