"""An encoder of pictures with a small random model of torch, on the device of the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from mmcore.encoders.compute.batches import Batcher, rows_at
from mmcore.encoders.compute.device import Compute, compute_of, moved, torch_dtype
from mmcore.encoders.towers.model import Model
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.types import Vectors, unit_rows
from storage.schemas import Modality
from tests.fakes import HashEncoder


def load(compute: Compute) -> Any:
    """Pixels → (n, 16), by weights that are the same on each device."""
    import torch

    dtype = torch_dtype(compute)
    weights = torch.randn(192, 16, generator=torch.Generator().manual_seed(0))
    placed = weights.to(compute.device, dtype)

    def run(pixels: Any) -> Any:
        with torch.inference_mode():
            flat = moved(pixels, compute.device).reshape(len(pixels), -1)
            return (flat.float() / 255 - 0.4).to(dtype) @ placed

    return run


class OnDevice(HashEncoder):
    """The key of a HashEncoder, the vectors of a model."""

    batches = True

    def __init__(self, segmentation: SegmentationSpec, runtime: RuntimeSpec) -> None:
        super().__init__(Modality.IMAGE, segmentation=segmentation)
        self.key = replace(self.key, name="on-device")
        self._runtime = runtime
        self._model = Model("small random model", "CC0-1.0", load)

    @property
    def compute(self) -> Mapping[str, str]:
        """As the run says."""
        found = compute_of(self._runtime)
        return {"dtype": found.dtype, "device": found.device}

    def encode(self, inputs: Any) -> Vectors:
        """In batches."""
        found = compute_of(self._runtime)
        run = self._model.on(found, self._runtime)
        batcher = Batcher.of(self._model.name, found.device, self._runtime)
        rows = batcher.map(lambda places: run(rows_at(np.asarray(inputs), places)), len(inputs))
        return unit_rows(rows)


def build(segmentation: SegmentationSpec, runtime: RuntimeSpec) -> OnDevice:
    """The encoder ``on-device``."""
    return OnDevice(segmentation, runtime)
