"""Grey of more than 8 bits → 8 bits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_FULL: Final = 65535  # full scale of 16 bits
_FEW: Final = range(8, 13)  # bits that sensors fill of the 16 that a file has
_MEANING: Final = 262  # tag of a TIFF: photometric interpretation
_ROWS: Final = 256


def is_deep(mode: str) -> bool:
    """Whether Pillow's ``mode`` is integers of 16 or 32 bits, or floats."""
    return mode.startswith("I") or mode == "F"


def greyed(image: Image.Image) -> Callable[[Image.Image], Image.Image]:
    """What turns a stretch of the loaded, deep ``image`` into grey of 8 bits.

    16 bits keep their scale, but where no more than 12 of them are used, those are the scale.
    What goes beyond 16 bits is spread over the picture's own finite range. A value that is
    marked as transparent is white.
    """
    low, high = _range(image)
    scale = 255.0 / (high - low) if high > low else 0.0
    clear = image.info.get("transparency")
    # white is zero: Pillow turns that around for 8 bits only
    negative = getattr(image, "tag_v2", {}).get(_MEANING) == 0

    def grey(part: Image.Image) -> Image.Image:
        values = np.asarray(part, dtype=np.float64)
        shares = np.nan_to_num((values - low) * scale, nan=0.0, posinf=255.0, neginf=0.0)
        levels = np.rint(shares.clip(0, 255)).astype(np.uint8)
        levels = 255 - levels if negative else levels
        if isinstance(clear, int):
            levels[values == clear] = 255
        return Image.fromarray(levels)

    return grey


def _range(image: Image.Image) -> tuple[float, float]:
    """The values that become black and white."""
    pairs = [(float(rows.min()), float(rows.max())) for rows in _finite(image)]
    if not pairs:
        return 0.0, 0.0
    low, high = min(one for one, _ in pairs), max(one for _, one in pairs)
    if image.mode == "F" or low < 0 or high > _FULL:
        return low, high
    bits = max(_FEW.start, int(high).bit_length())
    return 0.0, float(2**bits - 1 if bits in _FEW else _FULL)


def _finite(image: Image.Image) -> Iterator[NDArray[Any]]:
    """The finite values of a few rows at a time; rows without any are left out."""
    for top in range(0, image.height, _ROWS):
        part = image.crop((0, top, image.width, min(image.height, top + _ROWS)))
        values = np.asarray(part)
        if values.dtype.kind == "f":
            values = values[np.isfinite(values)]
        if values.size:
            yield values
