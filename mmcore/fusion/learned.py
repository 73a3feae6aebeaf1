"""Trained fusions: a network applied to what an item has. Making one imports torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from mmcore.errors import ConfigError
from mmcore.fusion.base import Files, InPlace, shown
from mmcore.fusion.models import FusionModel
from mmcore.fusion.simple import directed, refuse_weights
from mmcore.specs import FusionSpec
from mmcore.types import Vectors

if TYPE_CHECKING:
    from mmcore.fusion.networks import FusionNetwork

LEARNED: Final = ("mlp", "attention")
"""The fusions that need a model."""

BLOCK: Final = 256  # rows that go through a network at once, always


@dataclass(frozen=True, slots=True, eq=False)
class Learned(InPlace):
    """A network's weighted mean with an addition, in the space of what is fused.

    In float32 on the CPU, in blocks of one size, the last of them filled up with zeros: so an
    item's vector does not depend on which others are fused with it, but for the last bit where a
    library sums the rows at a block's edge in another order.
    """

    name: str
    fingerprint: str
    network: FusionNetwork

    def fuse(
        self, vectors: NDArray[np.float32], has: NDArray[np.bool_]
    ) -> tuple[Vectors, NDArray[np.float32]]:
        """See Fusion; ValueError for vectors of another length than it was trained on."""
        visible = shown(vectors, has)
        if visible.shape[2] != self.network.dim:
            raise ValueError(f"vectors of {visible.shape[2]}, trained on {self.network.dim}")
        fused = np.empty((len(visible), visible.shape[2]), dtype=np.float32)
        weights = np.empty(has.shape, dtype=np.float32)
        for start in range(0, len(visible), BLOCK):
            part = slice(start, start + BLOCK)
            fused[part], weights[part] = self._applied(visible[part], has[part])
        rows = directed(fused, visible, has)
        alone = has.sum(axis=1) == 1
        rows[alone] = visible[alone].sum(axis=1)
        return rows, weights

    def _applied(
        self, visible: NDArray[np.float32], has: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        import torch  # noqa: PLC0415 - a command that fuses nothing loads no torch

        filled = np.zeros((BLOCK, *visible.shape[1:]), dtype=np.float32)
        there = np.zeros((BLOCK, has.shape[1]), dtype=bool)
        there[:, 0] = True
        filled[: len(visible)], there[: len(has)] = visible, has
        with torch.inference_mode():
            fused, weights = self.network(torch.from_numpy(filled), torch.from_numpy(there))
        return fused.numpy()[: len(visible)], weights.numpy()[: len(has)]


def mlp(spec: FusionSpec, files: Files | None = None) -> Learned:
    """The trained fusion network; ConfigError without its model."""
    return _learned("mlp", spec, files)


def attention(spec: FusionSpec, files: Files | None = None) -> Learned:
    """The trained Transformer over modality tokens; ConfigError without its model."""
    return _learned("attention", spec, files)


def _learned(kind: str, spec: FusionSpec, files: Files | None) -> Learned:
    refuse_weights(kind, spec)
    if files is None:
        raise ConfigError(
            f"the fusion {kind!r} is learned, and no model of it serves in this lake: train one"
            " with `mmindex train`, or promote one with `mmindex models promote`"
        )
    model = FusionModel.from_files(files)
    if model.kind != kind:
        raise ConfigError(f"the fusion {kind!r} was given the model of another one, {model.kind}")
    return of_model(model)


def of_model(model: FusionModel) -> Learned:
    """The fusion that applies ``model``; ConfigError where its tensors are not its network's."""
    import torch  # noqa: PLC0415 - as above

    from mmcore.fusion.networks import network_of  # noqa: PLC0415 - imports torch

    with torch.device("meta"):  # nothing is made that the tensors do not fill
        network = network_of(model.kind, dict(model.architecture))
    state = {name: torch.from_numpy(tensor) for name, tensor in model.tensors.items()}
    try:
        network.load_state_dict(state, assign=True)
    except RuntimeError as error:
        raise ConfigError(
            f"the model of the fusion {model.kind!r} lacks tensors, or has others:"
            " `mmindex snapshots verify` looks for damage"
        ) from error
    return Learned(model.kind, model.fingerprint, network.eval())
