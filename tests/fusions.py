"""Fusions for tests: small trained models with random numbers."""

from __future__ import annotations

import numpy as np

from mmcore.fusion.base import Fusion, fusion_of
from mmcore.fusion.learned import LEARNED
from mmcore.fusion.models import FusionModel
from mmcore.specs import FusionSpec

SHAPES = {"mlp": {"hidden": [8, 5]}, "attention": {"width": 8, "heads": 2, "layers": 1}}


def fusion_model(
    kind: str, dim: int = 6, *, spread: float = 0.5, space: str = "s", version: str = "f1", **told
) -> FusionModel:
    """A network with random numbers added to the first ones; without ``spread`` it is the mean."""
    import torch

    from mmcore.fusion.networks import network_of

    architecture = {"dim": dim, "dropout": 0.1, **SHAPES[kind]}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = network_of(kind, architecture)
    rng = np.random.default_rng(0)
    tensors = {
        name: (t.numpy() + spread * rng.standard_normal(t.shape)).astype(np.float32)
        for name, t in network.state_dict().items()
    }
    told = {"fitted_on": {"contents": [], "captions": []}, **told}
    return FusionModel(kind, version, space, architecture, tensors, told)


def made(name: str, dim: int = 6, *, spread: float = 0.5) -> Fusion:
    """The fusion ``name``; a learned one with such a model."""
    files = None
    if name in LEARNED:
        files = fusion_model(name, dim, spread=spread).to_files("card")
    return fusion_of(FusionSpec(name=name), files)
