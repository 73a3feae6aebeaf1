"""Pictures and frames: how models' own libraries shape and normalise them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mmcore.encoders.compute.device import Compute, inferring, moved, torch_dtype
from mmcore.encoders.towers.arrays import Run

if TYPE_CHECKING:
    import torch

RESAMPLING: Final = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}

THINNEST: Final = 16
"""Times that a picture may be as long as what is cut out of it: beyond, its ends go first."""

Pixels = Callable[["torch.Tensor"], "torch.Tensor"]
"""(n, 3, h, w) normalised pixels, in the model's dtype and on its device → (n, d)."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a model's own library shapes an RGB picture.

    ``squash`` scales to (height, width) whatever the proportions; ``shortest`` scales the shorter
    side to ``scaled`` and cuts (height, width) out of the middle; ``longest`` scales the longer
    side and fills up with ``fill`` on both sides. The middle of an odd rest is where torchvision
    has it, or, ``floored``, where transformers has it.
    """

    height: int
    width: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    resize: Literal["squash", "shortest", "longest"] = "squash"
    scaled: int = 0  # of "shortest": the shorter side before the cut; 0: the shorter of the two
    resampling: str = "bicubic"
    fill: int = 0
    floored: bool = False
    dtype = "uint8"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of what ``shaped`` gives."""
        return (self.height, self.width, 3)

    @property
    def target(self) -> int:
        """Pixels of the shorter side that decoding has to leave."""
        return max(self.scaled, self.height, self.width)

    def shaped(self, image: Image.Image) -> NDArray[np.uint8]:
        """(height, width, 3) uint8 of an upright RGB picture."""
        return np.asarray(_RESIZE[self.resize](self, image), dtype=np.uint8)


def _squashed(recipe: Recipe, image: Image.Image) -> Image.Image:
    return _resized(image, (recipe.width, recipe.height), recipe)


def _cut(recipe: Recipe, image: Image.Image) -> Image.Image:
    """As torchvision's Resize and CenterCrop: lengths cut off, offsets rounded to even."""
    short = recipe.scaled or min(recipe.height, recipe.width)
    image = _middle(image, recipe, short)
    width, height = image.size
    size = (
        (short, int(short * height / width))
        if width <= height
        else (int(short * width / height), short)
    )
    scaled = _resized(image, size, recipe)
    whole = int if recipe.floored else round
    left, top = whole((size[0] - recipe.width) / 2), whole((size[1] - recipe.height) / 2)
    return scaled.crop((left, top, left + recipe.width, top + recipe.height))


def _middle(image: Image.Image, recipe: Recipe, short: int) -> Image.Image:
    """Of a thin picture its middle, which is all that is left of it: scaled whole it is huge."""
    width, height = image.size
    most = max(1, THINNEST * min(width, height) * max(recipe.height, recipe.width) // short)
    if max(width, height) <= most:
        return image
    left, top = max(0, (width - most) // 2), max(0, (height - most) // 2)
    return image.crop((left, top, min(width, left + most), min(height, top + most)))


def _filled(recipe: Recipe, image: Image.Image) -> Image.Image:
    """As open_clip's ResizeKeepRatio and CenterCropOrPad."""
    ratio = max(image.width / recipe.width, image.height / recipe.height)
    size = (max(1, round(image.width / ratio)), max(1, round(image.height / ratio)))
    canvas = Image.new("RGB", (recipe.width, recipe.height), (recipe.fill,) * 3)
    place = ((recipe.width - size[0]) // 2, (recipe.height - size[1]) // 2)
    canvas.paste(_resized(image, size, recipe), place)
    return canvas


def _resized(image: Image.Image, size: tuple[int, int], recipe: Recipe) -> Image.Image:
    return image if image.size == size else image.resize(size, RESAMPLING[recipe.resampling])


_RESIZE: Final = {"squash": _squashed, "shortest": _cut, "longest": _filled}


def on_pixels(recipe: Recipe, compute: Compute, model: Pixels) -> Run:
    """``model`` behind the normalisation, for inference: (n, height, width, 3) uint8 → (n, d)."""
    return inferring(normalising(recipe, compute, model))


def normalising(recipe: Recipe, compute: Compute, model: Pixels) -> Run:
    """``model`` behind the normalisation, which is done where the model runs; gradients flow.

    (n, height, width, 3) uint8 → (n, d).
    """
    import torch  # noqa: PLC0415 - making an encoder loads no torch

    mean, std = torch.tensor(recipe.mean), torch.tensor(recipe.std)
    scale = (1 / (255 * std)).view(3, 1, 1).to(compute.device)
    shift = (mean / std).view(3, 1, 1).to(compute.device)
    dtype = torch_dtype(compute)

    def run(pixels: NDArray[np.uint8]) -> torch.Tensor:
        batch = moved(pixels, compute.device).permute(0, 3, 1, 2).float()
        return model((batch * scale - shift).to(dtype))

    return run
