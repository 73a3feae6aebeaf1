"""Pictures as Qwen3-VL sees them: their proportions kept, their sides multiples of a cell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mmcore.encoders.families.colours import three
from mmcore.encoders.families.processors import RESAMPLING as NUMBERED
from mmcore.encoders.families.processors import processor_of
from mmcore.encoders.towers.pictures import RESAMPLING
from mmcore.encoders.weights.folder import Folder
from mmcore.errors import ConfigError

MIN_PIXELS: Final = 4 * 32 * 32
"""As the model's own embedding code has it; smaller pictures are enlarged."""

MAX_PIXELS: Final = 512 * 512
"""256 tokens. The model's own code allows 1,843,200 (1,800 tokens), which costs seven times the
time and place of a prepared picture; its authors saw little more of it (technical report, 7.2:
"pronounced diminishing return")."""

THINNEST: Final = 200
"""Longer side over shorter; the model's library refuses what is thinner, here it is squashed."""

HEAD: Final = 4  # bytes before the pixels of a prepared picture

_KINDS: Final = ("Qwen2VLImageProcessor", "Qwen2VLImageProcessorFast")
_STEPS: Final = ("do_resize", "do_rescale", "do_normalize", "do_convert_rgb")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How Qwen3-VL's processor shapes an RGB picture; ``patch``, ``merge``: pixels and patches.

    One prepared picture is one row of bytes of one length, whatever its size: height and width,
    two bytes each, the higher one first; then height · width · 3 bytes of pixels; then zeros.
    """

    patch: int
    merge: int
    times: int  # that a still picture is repeated, for a patch in time
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resampling: str = "bicubic"
    least: int = MIN_PIXELS
    most: int = MAX_PIXELS
    dtype = "uint8"

    @property
    def cell(self) -> int:
        """Pixels a side of what becomes one token."""
        return self.patch * self.merge

    @property
    def shape(self) -> tuple[int]:
        """Of what ``shaped`` gives."""
        return (HEAD + 3 * self.most,)

    @property
    def target(self) -> int:
        """Pixels of the shorter side that decoding has to leave."""
        return math.isqrt(self.most)

    def size_of(self, height: int, width: int) -> tuple[int, int]:
        """The (height, width) that a picture is scaled to, by Qwen's ``smart_resize``.

        Each side to the nearest multiple of ``cell``, or to the next one towards the bounds of
        pixels where it is out of them.
        """
        sides = (max(height, width / THINNEST), max(width, height / THINNEST))
        down, across = (round(side / self.cell) * self.cell for side in sides)
        if down * across > self.most:
            scale = math.sqrt(self.most / math.prod(sides))
            down, across = (max(1, math.floor(side * scale / self.cell)) for side in sides)
        elif down * across < self.least:
            scale = math.sqrt(self.least / math.prod(sides))
            down, across = (math.ceil(side * scale / self.cell) for side in sides)
        else:
            return down, across
        return down * self.cell, across * self.cell

    def shaped(self, image: Image.Image) -> NDArray[np.uint8]:
        """The row of bytes of an upright RGB picture."""
        height, width = self.size_of(image.height, image.width)
        scaled = image.resize((width, height), RESAMPLING[self.resampling])
        row = np.zeros(self.shape, dtype=np.uint8)
        row[:HEAD] = (*divmod(height, 256), *divmod(width, 256))
        row[HEAD : HEAD + 3 * height * width] = np.asarray(scaled, dtype=np.uint8).reshape(-1)
        return row

    def grid(self, row: NDArray[np.uint8]) -> tuple[int, int]:
        """Patches of a prepared picture's height, and of its width."""
        height, width = sizes_in(row)
        return height // self.patch, width // self.patch

    def tokens(self, rows: NDArray[np.uint8]) -> list[int]:
        """How many tokens each of the prepared pictures becomes."""
        return [math.prod(self.grid(row)) // self.merge**2 for row in rows]

    def patches(self, row: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """(patches, 3, patch, patch) of a prepared picture: cell by cell, in a cell row by row."""
        height, width = sizes_in(row)
        pixels = row[HEAD : HEAD + 3 * height * width]
        down, across = height // self.cell, width // self.cell
        split = pixels.reshape(down, self.merge, self.patch, across, self.merge, self.patch, 3)
        ordered = split.transpose(0, 3, 1, 4, 6, 2, 5)
        return ordered.reshape(-1, 3, self.patch, self.patch)


def sizes_in(row: NDArray[np.uint8]) -> tuple[int, int]:
    """Height and width of a prepared picture."""
    high, low, wide, narrow = row[:HEAD].tolist()
    return high * 256 + low, wide * 256 + narrow


def recipe_of(folder: Folder, vision: dict[str, Any]) -> Recipe:
    """The recipe of a folder; ``vision``: the model's own configuration of its eyes.

    The bounds of pixels that the file names are the chat model's; the embedding model's own code
    has others, and so have we. ConfigError where something else is not what we do.
    """
    name, found = processor_of(folder)
    path = folder.path / name
    for step in _STEPS:
        if found.get(step) is False:
            raise ConfigError(f"{path}: {step} is false, which is not supported")
    if found.get("image_processor_type", _KINDS[0]) not in _KINDS:
        raise ConfigError(f"{path}: image_processor_type is {found['image_processor_type']!r}")
    if not math.isclose(found.get("rescale_factor", 1 / 255), 1 / 255):
        raise ConfigError(f"{path}: rescale_factor is {found['rescale_factor']!r}, not 1/255")
    patch, merge, times = (_agreed(path, found, vision, *names) for names in _SIZES)
    resampling = NUMBERED.get(found.get("resample", 3))
    if resampling is None:
        raise ConfigError(f"{path}: resample is {found['resample']!r}, which is not supported")
    mean, std = (
        three(found.get(name), f"{path}: {name}", positive=name == "image_std")
        for name in ("image_mean", "image_std")
    )
    recipe = Recipe(patch, merge, times, mean, std, resampling)
    if THINNEST * recipe.cell**2 > recipe.most:
        raise ConfigError(
            f"{path}: patch_size {recipe.patch} is too large for {recipe.most} pixels"
        )
    return recipe


_SIZES: Final = (
    ("patch_size", "patch_size"),
    ("merge_size", "spatial_merge_size"),
    ("temporal_patch_size", "temporal_patch_size"),
)
"""Fields of the processor, and what the model calls them."""


def _agreed(path: Path, found: dict[str, Any], vision: dict[str, Any], ours: str, its: str) -> int:
    size = found.get(ours)
    if not isinstance(size, int) or size < 1 or size != vision.get(its):
        raise ConfigError(f"{path}: {ours} is {size!r}, the model's {its} {vision.get(its)!r}")
    return size
