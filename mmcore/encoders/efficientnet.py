"""The network EfficientNet-Lite0; imports torch, so only encoders at work import it."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray

from mmcore.encoders.compute.device import Compute, moved, torch_dtype
from mmcore.encoders.compute.loaded import loaded, settle
from mmcore.encoders.lite0 import MIDDLE, MIDDLE_SCALE, PACKAGE, SHA256, WEIGHTS
from mmcore.encoders.weights.pinned import load_state, package_file
from mmcore.specs import RuntimeSpec

FASTEST: Final = 8  # pictures at once: more leave a CPU's cache (4.5 against 6.6 ms each)


class InFloat32(torch.nn.Module):
    """One layer kept in float32 inside a network of another dtype."""

    def __init__(self, layer: torch.nn.Module) -> None:
        super().__init__()
        self.layer = layer.float()

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """The layer's output, in the dtype of ``inputs``."""
        found: torch.Tensor = self.layer(inputs.float())
        return found.to(inputs.dtype)


def state() -> dict[str, torch.Tensor]:
    """The trained weights, from the file with the pinned hash."""
    return load_state(package_file(PACKAGE, WEIGHTS), SHA256)


def network(compute: Compute, runtime: RuntimeSpec) -> Any:
    """The process's one network for ``compute``, made at the first call, by its ``runtime``."""

    def load() -> Any:
        settle(compute, runtime)
        return _load(compute)

    return loaded(("efficientnet-lite0", compute), load)


def _load(compute: Compute) -> Any:
    """Batch norms folded into their convolutions, channels last, in the dtype of ``compute``.

    The first depthwise convolution stays in float32: of all layers its rounding costs most. Over
    983 pictures 99 % of the features then have a cosine of .9990 to float32's, without it .9970.
    """
    from efficientnet_lite_pytorch import EfficientNet  # noqa: PLC0415 - an extra

    net = EfficientNet.from_name("efficientnet-lite0")
    net.load_state_dict(state())
    net = fold(net.eval())
    first = net._blocks[0]
    kept, first._depthwise_conv = InFloat32(first._depthwise_conv), torch.nn.Identity()
    net = net.to(torch_dtype(compute))
    first._depthwise_conv = kept
    return net.to(compute.device, memory_format=torch.channels_last).requires_grad_(False)


def fold(net: Any) -> Any:
    """Move each batch norm's scale and shift into the convolution before it; same output."""
    pairs = [(net, "_conv_stem", "_bn0"), (net, "_conv_head", "_bn1")]
    for block in net._blocks:
        names = [("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")]
        pairs += [(block, *pair) for pair in names if hasattr(block, pair[0])]
    for module, convolution, norm in pairs:
        layers = getattr(module, convolution), getattr(module, norm)
        setattr(module, convolution, torch.nn.utils.fuse_conv_bn_eval(*layers))
        setattr(module, norm, torch.nn.Identity())
    return net


def features(net: Any, pixels: NDArray[np.uint8], compute: Compute) -> torch.Tensor:
    """(n, 224, 224, 3) RGB → (n, 1280 + 112) float32: two layers, each its mean over places.

    First the last convolution, never negative, which the classifier reads; then the output of
    block ``MIDDLE``, which knows more of line and texture. Pixels are scaled to (x - 127) / 128,
    as the network was trained, not by ImageNet's mean and deviation.
    """
    with torch.inference_mode():
        batch = moved(pixels, compute.device)
        scaled = (batch.permute(0, 3, 1, 2).float() - 127) / 128
        scaled = scaled.to(torch_dtype(compute), memory_format=torch.channels_last)
        last, middle = _layers(net, scaled)
        means = [last.float().mean((2, 3)), middle.float().mean((2, 3)) * MIDDLE_SCALE]
        return torch.cat(means, dim=1)


def _layers(net: Any, pixels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Outputs of the last convolution and of block ``MIDDLE`` (batch norms are folded away)."""
    hidden = middle = net._swish(net._conv_stem(pixels))
    for number, block in enumerate(net._blocks):
        hidden = block(hidden)
        if number == MIDDLE:
            middle = hidden
    return net._swish(net._conv_head(hidden)), middle
