"""Encoders of what is prepared as arrays: shaped on CPUs, embedded in batches on a device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.compute.batches import Batcher, rows_at
from mmcore.encoders.compute.device import Placed
from mmcore.encoders.towers.model import Model, name_of
from mmcore.specs import RuntimeSpec
from mmcore.types import EncoderKey, Vectors, unit_rows

if TYPE_CHECKING:
    import torch

Run = Callable[[NDArray[Any]], "torch.Tensor"]
"""(n, *shape) of what a recipe shaped → (n, d), on the model's device."""


class Recipe(Protocol):
    """How a model's own library shapes what was decoded; loads no torch."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of what ``shaped`` gives, whatever it is given."""

    @property
    def dtype(self) -> str:
        """NumPy dtype of it."""

    def shaped(self, decoded: Any) -> NDArray[Any]:
        """An upright RGB picture, or mono samples at ``rate``, as an array."""


class ArrayEncoder(Placed):
    """An encoder of pictures, frames or sounds around a model of torch.

    ``size`` is of pictures (pixels that decoding has to leave), ``rate`` of sounds.
    """

    batches = True

    def __init__(
        self,
        key: EncoderKey,
        recipe: Recipe,
        model: Model[Run],
        runtime: RuntimeSpec,
        *,
        size: int = 0,
        rate: int = 16_000,
    ) -> None:
        self.key = key
        self.recipe = recipe
        self.licence = model.licence
        self.shape = recipe.shape
        self.dtype = recipe.dtype
        self.size = size
        self.rate = rate
        self._model, self._runtime = model, runtime

    def prepare(self, decoded: Any) -> NDArray[Any]:
        """By the recipe."""
        return self.recipe.shaped(decoded)

    def encode(self, inputs: Any) -> Vectors:
        """(n, *shape) → (n, dim) unit rows."""
        if not len(inputs):
            return np.zeros((0, self.key.dim), dtype=np.float32)
        run = self._model.on(self._compute, self._runtime)
        device, most = self._compute.device, self._model.most
        batcher = Batcher.of(name_of(self.key), device, self._runtime, most)
        found = batcher.map(
            lambda places: run(rows_at(inputs, places)), len(inputs), self.lengths(inputs)
        )
        return unit_rows(found)

    def lengths(self, inputs: Any) -> Sequence[int] | None:
        """The tokens that each input becomes, where they are not as many for all."""
        del inputs
        return None

    def encode_query(self, decoded: Any) -> Vectors:
        """Embed one picture, or one sound of a window's length: (dim,)."""
        vector: Vectors = self.encode(self.prepare(decoded)[None])[0]
        return vector
