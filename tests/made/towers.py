"""Settings under which the toy world is learnt in a second or two."""

from __future__ import annotations

from mmcore.training.towers.spec import TowersSpec

SMALL = {
    "epochs": 12,
    "batch_size": 16,
    "rate": 5e-3,
    "device": "cpu",
    "network": {
        "pictures": (16, 32),
        "sounds": (32, 32),
        "embedding": 24,
        "hidden": 16,
        "features": 48,
        "dim": 32,
    },
    "dataset": {"side": 32, "seconds": 0.4},
}


def small(**settings) -> TowersSpec:
    """A small network and few epochs, with these settings."""
    return TowersSpec.model_validate({**SMALL, **settings})
