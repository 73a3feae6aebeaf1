"""The ``config.json`` of a folder of a torchvision model: which one, and its preprocessing."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mmcore.encoders.families.backbone_facts import (
    Architecture,
    Published,
    architectures,
    config_of,
)
from mmcore.encoders.families.colours import three
from mmcore.encoders.towers.pictures import RESAMPLING, Recipe
from mmcore.errors import ConfigError

CONFIG: Final = "config.json"
SHAPING: Final = ("resize_size", "crop_size", "interpolation", "mean", "std")
_KNOWN: Final = frozenset({"architecture", "weights", "categories", *SHAPING})


@dataclass(frozen=True, slots=True, eq=False)
class Config:
    """An architecture, and how pictures are shaped for it.

    ``categories``: what the classes are called, where the folder says so; published weights have
    ImageNet's.
    """

    name: str
    architecture: Architecture
    published: Published | None
    shaping: dict[str, Any]
    categories: tuple[str, ...] | None

    @property
    def classifies(self) -> bool:
        """Whether class scores can be had from features, and the classes have names."""
        named = self.published is not None or self.categories is not None
        return self.architecture.classifies and named

    @property
    def side(self) -> int:
        """Pixels of a picture's sides, as the model takes it."""
        return int(self.shaping["crop_size"])

    @property
    def recipe(self) -> Recipe:
        """As torchvision's ``ImageClassification`` shapes a PIL picture."""
        return Recipe(
            self.side,
            self.side,
            self.shaping["mean"],
            self.shaping["std"],
            resize="shortest",
            scaled=self.shaping["resize_size"],
            resampling=self.shaping["interpolation"],
        )


def read_config(path: Path) -> Config:
    """Read and check; ConfigError names the file and the field.

    What it does not say of the preprocessing is that of the weights it names, else of the
    architecture's default ones.
    """
    told = _read(path)
    unknown = sorted(set(told) - _KNOWN)
    if unknown:
        raise ConfigError(f"{path}: {unknown[0]} is no field that is known here")
    name, weights = str(told.get("architecture")), told.get("weights")
    if name not in architectures():
        raise ConfigError(f"{path}: architecture is {name!r}, no classification model known here")
    architecture = architectures()[name]
    if weights is not None and weights not in architecture.weights:
        known = ", ".join(architecture.weights)
        raise ConfigError(f"{path}: weights is {weights!r}; of {name} there are: {known}")
    usual = config_of(name, weights)
    shaping = {field: told.get(field, usual[field]) for field in SHAPING}
    return Config(
        name,
        architecture,
        architecture.weights.get(weights) if weights is not None else None,
        _checked(path, shaping),
        _categories(path, told.get("categories")),
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"{path}: cannot be read ({error}); it says at least"
            ' {"architecture": "resnet18", "weights": "IMAGENET1K_V1"}'
        ) from error
    if not isinstance(found, dict):
        raise ConfigError(f"{path}: is not a JSON object")
    return found


def _checked(path: Path, shaping: dict[str, Any]) -> dict[str, Any]:
    """The facts, plain: torchvision writes sizes as lists of one number."""
    plain = dict(shaping)
    for field in ("resize_size", "crop_size"):
        value = shaping[field]
        one = value[0] if isinstance(value, list) and len(value) == 1 else value
        if not isinstance(one, int) or isinstance(one, bool) or one < 1:
            raise ConfigError(f"{path}: {field} is {value!r}, not a number of pixels")
        plain[field] = one
    if plain["crop_size"] > plain["resize_size"]:
        raise ConfigError(f"{path}: crop_size is more than resize_size: pictures would be padded")
    if shaping["interpolation"] not in RESAMPLING:
        raise ConfigError(
            f"{path}: interpolation is {shaping['interpolation']!r}, none of {list(RESAMPLING)}"
        )
    plain["mean"] = three(shaping["mean"], f"{path}: mean")
    plain["std"] = three(shaping["std"], f"{path}: std", positive=True)
    return plain


def _categories(path: Path, told: Any) -> tuple[str, ...] | None:
    if told is None:
        return None
    if not isinstance(told, list) or not all(isinstance(one, str) for one in told):
        raise ConfigError(f"{path}: categories is not a list of names")
    return tuple(told)
