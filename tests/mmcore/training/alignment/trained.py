"""Spaces trained on made worlds."""

from __future__ import annotations

import numpy as np

from mmcore.training.alignment.train import train_projection
from mmcore.training.split import fit_rows
from tests.mmcore.training.alignment.worlds import (
    IMAGE,
    KEYS,
    SPEC,
    TEXT,
    captions,
    make,
    media,
    world,
)

RIDGE = SPEC.model_copy(update={"method": "ridge", "hubness": "off"})


def train(spec=SPEC, n=120, sounds=None, keys=KEYS):
    """Train on a lake of that size."""
    rows, given = world(n, sounds)
    return train_projection(rows, given, keys, spec, "p1", make=make)


def unseen(projection, n=120, items=None):
    """Share of held-out English captions that find their picture first, and how many there are."""
    rows, pictures = captions(n), media(n, IMAGE)
    fitted = set(rows.item_ids[fit_rows(rows, SPEC.fit.held_out)].tolist())
    mine = np.array([i for i in range(n) if i not in fitted])
    said = projection.project(TEXT.key, rows.vectors[::2][mine], ["en"] * len(mine))
    seen = projection.project(IMAGE.key, pictures.vectors[mine], [None] * len(mine))
    return float(((said @ seen.T).argmax(axis=1) == np.arange(len(mine))).mean()), len(mine)
