"""Pictures fitted into the square that a network takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from mmcore.media.images.colour import WHITE


def square(image: Image.Image, size: int) -> NDArray[np.uint8]:
    """Fit an RGB picture into (size, size, 3) uint8: bicubic, padded with white, centred."""
    scale = size / max(image.size)
    inner = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    resized = image.resize(inner, Image.Resampling.BICUBIC) if inner != image.size else image
    if inner == (size, size):
        return np.asarray(resized, dtype=np.uint8)
    canvas = Image.new("RGB", (size, size), WHITE)
    canvas.paste(resized, ((size - inner[0]) // 2, (size - inner[1]) // 2))
    return np.asarray(canvas, dtype=np.uint8)
