"""Rows of items whose media say the same, each with noise of its own."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mmcore.training.rows import Rows
from mmcore.types import unit_rows
from storage.schemas import Modality


def rows_of(
    meant: np.ndarray, noise: Mapping[Modality, float], *, kept: float = 1.0, seed: int = 0
) -> dict[Modality, Rows]:
    """One content of each item (row of ``meant``) and modality, kept with that chance."""
    rng = np.random.default_rng(seed)
    found = {}
    for modality, spread in noise.items():
        which = np.flatnonzero(rng.random(len(meant)) < kept)
        vectors = meant[which] + spread * rng.standard_normal((len(which), meant.shape[1]))
        text = modality == Modality.TEXT
        found[modality] = Rows(
            which.astype(np.int64) * 7 + 1,
            np.arange(len(which)),
            tuple(f"{modality} {i}" for i in which.tolist()),
            tuple("en" if text else None for _ in which),
            tuple(f"caption number {i}" if text else None for i in which.tolist()),
            unit_rows(vectors),
        )
    return found
