"""Image processors in transformers' layout, read from their JSON: no class of theirs is made."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mmcore.encoders.families.colours import three
from mmcore.encoders.towers.pictures import Recipe
from mmcore.encoders.weights.folder import Folder
from mmcore.errors import ConfigError

NESTED: Final = "processor_config.json"
FLAT: Final = "preprocessor_config.json"

_CLIP: Final = {
    "do_center_crop": True,
    "size": {"shortest_edge": 224},
    "crop_size": {"height": 224, "width": 224},
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
}
_SIGLIP: Final = {
    "do_center_crop": False,
    "size": {"height": 224, "width": 224},
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}
_SHARED: Final = {
    "do_resize": True,
    "resample": 3,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "do_pad": False,
}
DEFAULTS: Final[Mapping[str, Mapping[str, Any]]] = {
    "CLIP": {**_SHARED, **_CLIP},
    "ChineseCLIP": {**_SHARED, **_CLIP},
    "Siglip": {**_SHARED, **_SIGLIP},
}
"""What transformers' classes take for a field that the file leaves out."""

RESAMPLING: Final = {1: "lanczos", 2: "bilinear", 3: "bicubic"}
"""Pillow's numbers → names of ``towers.pictures``."""

_KIND: Final = re.compile(r"(.*?)(ImageProcessor|FeatureExtractor)(Fast|Pil)?")


@dataclass(frozen=True, slots=True)
class ImageSettings:
    """The fields of an image processor, and the file that they are from."""

    file: Path
    fields: Mapping[str, Any]

    def get(self, name: str) -> Any:
        """A field; None where neither the file nor the class has it."""
        return self.fields.get(name)

    def refused(self, name: str) -> ConfigError:
        """An error about a field that asks for what we do not do."""
        return ConfigError(f"{self.file}: {name} is {self.get(name)!r}, which is not supported")


def processor_of(folder: Folder) -> tuple[str, dict[str, Any]]:
    """The file that has a folder's image processor, and its fields, as transformers finds it."""
    if (folder.path / NESTED).is_file():
        nested = folder.json(NESTED).get("image_processor")
        if isinstance(nested, dict):
            return NESTED, nested
    return FLAT, folder.json(FLAT)


def settings_of(folder: Folder, kind: str) -> ImageSettings:
    """The image processor of a folder, as transformers finds it; ``kind`` is of ``DEFAULTS``.

    ``processor_config.json`` counts where it holds one, else ``preprocessor_config.json``.
    ConfigError where the file names a processor that is not in ``DEFAULTS``.
    """
    name, found = processor_of(folder)
    field = "image_processor_type" if "image_processor_type" in found else "feature_extractor_type"
    named = _KIND.fullmatch(str(found.get(field, f"{kind}ImageProcessor")))
    if named is None or named[1] not in DEFAULTS:
        raise ConfigError(
            f"{folder.path / name}: {field} is {found.get(field)!r}, known are"
            f" {', '.join(f'{one}ImageProcessor' for one in sorted(DEFAULTS))}"
        )
    told = {field: value for field, value in found.items() if value is not None}
    return ImageSettings(folder.path / name, {**DEFAULTS[named[1]], **told})


def recipe_of(settings: ImageSettings) -> Recipe:
    """What an image processor does, as a recipe; ConfigError for what a recipe cannot follow."""
    for name, followed in _FOLLOWED.items():
        if not followed(settings.get(name)):
            raise settings.refused(name)
    mean, std = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    if settings.get("do_normalize"):
        mean, std = (
            three(settings.get(name), f"{settings.file}: {name}", positive=name == "image_std")
            for name in ("image_mean", "image_std")
        )
    height, width, scaled = _sizes(settings)
    return Recipe(
        height=height,
        width=width,
        mean=mean,
        std=std,
        resize="shortest" if scaled else "squash",
        scaled=scaled,
        resampling=RESAMPLING[settings.get("resample")],
        floored=True,
    )


_FOLLOWED: Final[Mapping[str, Callable[[Any], bool]]] = {
    "do_resize": bool,
    "do_rescale": bool,
    "rescale_factor": lambda found: isinstance(found, float) and math.isclose(found, 1 / 255),
    "do_pad": lambda found: not found,
    "resample": lambda found: found in RESAMPLING,
}


def check_size(folder: Folder, recipe: Recipe, size: object) -> None:
    """ConfigError where the processor gives pictures of another size than the model takes."""
    if (recipe.height, recipe.width) != (size, size):
        raise ConfigError(
            f"{folder.path / 'config.json'}: vision_config.image_size is {size!r}, but the image"
            f" processor makes pictures of {recipe.height} x {recipe.width}"
        )


def _sizes(settings: ImageSettings) -> tuple[int, int, int]:
    """Height, width, and what the shorter side is scaled to before the cut; 0: no cut."""
    size = settings.get("size")
    squashed = _sides(size)
    if squashed is not None:
        if settings.get("do_center_crop") and _sides(settings.get("crop_size")) != squashed:
            raise settings.refused("crop_size")
        return (*squashed, 0)
    short = size.get("shortest_edge") if isinstance(size, dict) and len(size) == 1 else size
    if not isinstance(short, int) or not _is_pixels(short):
        raise settings.refused("size")
    if not settings.get("do_center_crop"):
        raise settings.refused("do_center_crop")  # each picture would have another shape
    crop = settings.get("crop_size")
    cut = (crop, crop) if _is_pixels(crop) else _sides(crop)
    if cut is None or max(cut) > short:
        raise settings.refused("crop_size")
    return (*cut, short)


def _sides(size: object) -> tuple[int, int] | None:
    """Height and width, where ``size`` has both and no more."""
    if not isinstance(size, dict) or set(size) != {"height", "width"}:
        return None
    height, width = size["height"], size["width"]
    return (height, width) if _is_pixels(height) and _is_pixels(width) else None


def _is_pixels(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
