"""How much the places of a picture stand out."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Cells = NDArray[np.float64]

_XYZ: Final = np.array(
    [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
)  # of linear sRGB
_KNEE: Final = 0.04045  # below it sRGB is linear


def saliency_of(small: Image.Image) -> Cells:
    """How much each pixel of an RGB picture stands out: (height, width), distances in Lab.

    The distance between its smoothed colour and the mean colour (frequency-tuned saliency,
    Achanta et al., CVPR 2009).
    """
    mean = _lab(np.asarray(small, dtype=np.float64)).mean(axis=(0, 1))
    smooth = _lab(np.asarray(small.filter(ImageFilter.GaussianBlur(1)), dtype=np.float64))
    return np.asarray(np.linalg.norm(smooth - mean, axis=2))


def _lab(rgb: Cells) -> Cells:
    """Colours in sRGB, 0 to 255 → CIE L*a*b* (D65)."""
    share = rgb / 255
    linear = np.where(share > _KNEE, ((share + 0.055) / 1.055) ** 2.4, share / 12.92)
    xyz = linear @ _XYZ.T / _XYZ.sum(axis=1)
    root = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    x, y, z = np.moveaxis(root, 2, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=2)


def threshold_of(saliency: Cells) -> float:
    """The value that parts ``saliency`` into the two classes furthest apart (Otsu, 1979)."""
    counts, edges = np.histogram(saliency, bins=128)
    middles = (edges[:-1] + edges[1:]) / 2
    below, sums = counts.cumsum(), (counts * middles).cumsum()
    above = below[-1] - below
    parted = (below > 0) & (above > 0)
    between = np.zeros(len(counts))
    difference = sums[parted] / below[parted] - (sums[-1] - sums[parted]) / above[parted]
    between[parted] = below[parted] * above[parted] * difference**2
    return float(edges[int(between.argmax()) + 1])
