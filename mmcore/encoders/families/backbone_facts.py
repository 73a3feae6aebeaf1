"""What torchvision's classification models are: their sizes, weights and preprocessing.

The table lies beside the code, so that making an encoder imports no torch. After a new torchvision
make it again by ``python -m mmcore.encoders.families.backbone_facts``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from mmcore.encoders.weights.releases import Release

FILE: Final = "backbones.json"
LICENCE: Final = "BSD-3-Clause"
SWAG: Final = "CC-BY-NC-4.0"  # of the weights that their meta data calls SWAG

# Whose last layer reads what a rectifier gave: never negative.
_RECTIFIED: Final = (
    *("alexnet", "densenet", "googlenet", "inception", "mnasnet", "mobilenet_v2", "regnet"),
    *("resnet", "resnext", "shufflenet", "squeezenet", "vgg", "wide_resnet"),
)


@dataclass(frozen=True, slots=True)
class Published:
    """Weights that torchvision publishes, and how it shapes pictures for them."""

    file: str  # its name ends with the first digits of its sha256
    bytes: int
    licence: str
    resize_size: int
    crop_size: int
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @property
    def pin(self) -> str:
        """The first 8 hex digits of the file's sha256."""
        return Path(self.file).stem.rpartition("-")[2]


@dataclass(frozen=True, slots=True)
class Architecture:
    """One of ``torchvision.models``.

    ``head``: the submodule that is taken off; ``classifies``: whether it is a Linear layer.
    ``rectified``: whether what it reads is never negative.
    """

    dim: int
    head: str
    classifies: bool
    rectified: bool
    default: str
    weights: Mapping[str, Published]


@cache
def architectures() -> Mapping[str, Architecture]:
    """The table beside the code, by architecture."""
    raw = json.loads(files(__package__).joinpath(FILE).read_text("utf-8"))
    return MappingProxyType({name: _read(fields) for name, fields in raw.items()})


def _read(fields: dict[str, Any]) -> Architecture:
    weights = {
        name: Published(**{**one, "mean": tuple(one["mean"]), "std": tuple(one["std"])})
        for name, one in fields["weights"].items()
    }
    return Architecture(**{**fields, "weights": weights})


def release_of(name: str) -> Release:
    """What is fetched for an architecture: its default weights."""
    found = architectures()[name]
    published = found.weights[found.default]
    return Release(
        source="torchvision",
        id=f"torchvision/{name}",
        licence=published.licence,
        bytes=published.bytes,
        dim=found.dim,
        sha256={published.file: published.pin},
    )


def config_of(name: str, weights: str | None = None) -> dict[str, Any]:
    """The ``config.json`` of a folder of published weights; by default the default ones."""
    found = architectures()[name]
    told = weights or found.default
    shape = ("resize_size", "crop_size", "interpolation", "mean", "std")
    facts = asdict(found.weights[told])
    return {"architecture": name, "weights": told, **{field: facts[field] for field in shape}}


def computed() -> dict[str, Any]:
    """The table, by the torchvision that is installed; it makes each model, the large ones too."""
    from torchvision import models  # noqa: PLC0415 - making an encoder loads no torch

    return {name: {**_sizes(name), **_weights(name)} for name in models.list_models(module=models)}


def _sizes(name: str) -> dict[str, Any]:
    from torch.nn import Linear  # noqa: PLC0415 - see computed
    from torchvision import models  # noqa: PLC0415

    extra = {"init_weights": False} if name in {"googlenet", "inception_v3"} else {}
    model = models.get_model(name, weights=None, **extra)
    linear = [(path, one) for path, one in model.named_modules() if isinstance(one, Linear)]
    rectified = name.startswith(_RECTIFIED)
    if linear:
        head, last = linear[-1]
        dim, classifies = last.in_features, True
    else:  # SqueezeNet ends with a convolution, a rectifier and a mean
        head, dim, classifies = "classifier", model.classifier[1].in_channels, False
    return {"dim": dim, "head": head, "classifies": classifies, "rectified": rectified}


def _weights(name: str) -> dict[str, Any]:
    """Those that classify: VGG-16 also has some without a last layer."""
    from torchvision import models  # noqa: PLC0415 - see computed

    known = models.get_model_weights(name)
    classify = [one for one in known if one.meta.get("categories")]
    return {
        "default": known["DEFAULT"].name,
        "weights": {one.name: asdict(_published(one)) for one in classify},
    }


def _published(weights: Any) -> Published:
    shaping = weights.transforms()
    return Published(
        file=weights.url.rpartition("/")[2],
        bytes=round(weights.meta["_file_size"] * (1 << 20)),
        licence=SWAG if "SWAG" in weights.meta.get("license", "") else LICENCE,
        resize_size=shaping.resize_size[0],
        crop_size=shaping.crop_size[0],
        interpolation=shaping.interpolation.value,
        mean=tuple(shaping.mean),
        std=tuple(shaping.std),
    )


if __name__ == "__main__":
    table = json.dumps(computed(), indent=1)
    (Path(__file__).parent / FILE).write_text(table + "\n", "utf-8")
