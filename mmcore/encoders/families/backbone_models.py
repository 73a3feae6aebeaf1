"""torchvision's models without their last layer; torch is imported when one is loaded."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from mmcore.encoders.base import Classifier
from mmcore.encoders.compute.device import Compute, torch_dtype
from mmcore.encoders.families.backbone_config import Config
from mmcore.encoders.towers.arrays import Run
from mmcore.encoders.towers.pictures import on_pixels
from mmcore.encoders.weights.convert import only_pickled
from mmcore.encoders.weights.folder import SAFE, Folder
from mmcore.encoders.weights.pinned import load_state
from mmcore.errors import ConfigError

if TYPE_CHECKING:
    import torch

CONSTANT: Final = 16.0  # about the length of features: no coordinate of a cell is lost to rounding

# DenseNet's published files have names of torch 0.3; torchvision renames them as it loads.
_OLD_LAYER: Final = re.compile(
    r"(.*denselayer\d+\.(?:norm|conv))\.([12]\.(?:weight|bias|running_mean|running_var))"
)
# What a file of the published weights was made for, where that is not the default.
_AS_PUBLISHED: Final[Mapping[str, Mapping[str, bool]]] = {
    "googlenet": {"transform_input": True, "aux_logits": True, "init_weights": False},
    "inception_v3": {"transform_input": True, "aux_logits": True, "init_weights": False},
}
_MNASNET: Final = 2  # the version of its layers, which safetensors do not keep


class Network:
    """(n, side, side, 3) uint8 → (n, dim + 1): features, and the constant behind them.

    ``weight`` and ``bias`` are of the layer that was taken off; None where it was not linear.
    """

    def __init__(
        self, run: Run, weight: NDArray[np.float32] | None, bias: NDArray[np.float32] | None
    ) -> None:
        self.run, self.weight, self.bias = run, weight, bias

    def __call__(self, pixels: NDArray[Any]) -> torch.Tensor:
        """In the model's precision up to the features; the rest in float32."""
        import torch  # noqa: PLC0415 - making an encoder loads no torch

        with torch.inference_mode():
            return torch.nn.functional.pad(self.run(pixels).float(), (0, 1), value=CONSTANT)


def load(folder: Folder, config: Config, compute: Compute) -> Network:
    """The model of a folder on its device; UnsafeWeightsError for a file that is not pinned."""
    state = _state(folder)
    model = _model(config, state)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        first = str(error).splitlines()[0]
        raise ConfigError(f"{folder.path}: no weights of {config.name}: {first}") from error
    weight, bias = _take_head(model, config)
    model.eval().requires_grad_(requires_grad=False)
    model.to(device=compute.device, dtype=torch_dtype(compute))
    return Network(on_pixels(config.recipe, compute, model), weight, bias)


def _model(config: Config, state: Mapping[str, torch.Tensor]) -> Any:
    """With as many classes as the weights have; numbers that others draw at random stay theirs."""
    import torch  # noqa: PLC0415 - see Network
    from torchvision import models  # noqa: PLC0415

    options: dict[str, Any] = dict(_AS_PUBLISHED.get(config.name, {}))
    if config.name.startswith("vit_"):
        options["image_size"] = config.side
    last = state.get(f"{config.architecture.head}.weight")
    if last is not None:
        options["num_classes"] = len(last)
    with torch.random.fork_rng(devices=[]):
        return models.get_model(config.name, weights=None, **options)


def _take_head(model: Any, config: Config) -> tuple[Any, Any]:
    """Replace the last layer by nothing; what it was, in float32."""
    import torch  # noqa: PLC0415 - see Network

    path = config.architecture.head
    if not config.architecture.classifies:  # a mean, as behind SqueezeNet's last convolution
        model.set_submodule(path, torch.nn.AdaptiveAvgPool2d(1))
        return None, None
    last = model.get_submodule(path)
    model.set_submodule(path, torch.nn.Identity())
    weight = last.weight.detach().float().numpy().copy()
    bias = np.zeros(len(weight), np.float32) if last.bias is None else last.bias.detach().numpy()
    return weight, bias.astype(np.float32)


def _state(folder: Folder) -> dict[str, torch.Tensor]:
    safe = [name for name in folder.files if name.endswith(SAFE)]
    if len(safe) > 1:
        raise ConfigError(f"{folder.path}: holds several models: {', '.join(safe)}")
    if safe:
        return _safe(folder.path / safe[0])
    name = next((name for name in folder.files if name in folder.pins), None)
    if name is None:
        raise only_pickled(folder.path)
    return _renamed(load_state(folder.path / name, folder.pins[name]))


def _safe(path: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file  # noqa: PLC0415 - imports torch

    state = OrderedDict(load_file(path))
    state._metadata = {"": {"version": _MNASNET}}  # type: ignore[attr-defined]
    return _renamed(state)


def _renamed(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    for key in list(state):
        old = _OLD_LAYER.fullmatch(key)
        if old is not None:
            state[old.group(1) + old.group(2)] = state.pop(key)
    return state


def categories(config: Config) -> tuple[str, ...]:
    """What a model's classes are called: by its folder, else as ImageNet's are."""
    if config.categories is not None:
        return config.categories
    from torchvision.models import ResNet18_Weights  # noqa: PLC0415 - all have the same names

    return tuple(ResNet18_Weights.IMAGENET1K_V1.meta["categories"])


def classifier_of(network: Any, names: tuple[str, ...]) -> Classifier:
    """The layer that was taken off, with its classes' names; ConfigError unless they fit."""
    if len(names) != len(network.weight):
        raise ConfigError(
            f"config.json: categories has {len(names)} names, the weights {len(network.weight)}"
        )
    return Classifier(network.weight, network.bias, names)
