"""Salient regions of a picture: what stands out from its mean colour."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from mmcore.media.images.saliency import Cells, saliency_of, threshold_of
from mmcore.types import Box

_SIDE: Final = 96  # longer side of the picture that is looked at
_TINY: Final = 32  # pixels: a picture with a shorter side has no regions
_CONTRAST: Final = 10.0  # distance in Lab below which nothing stands out
_SMALLEST, _LARGEST = 0.005, 0.7  # share of the picture that a region's box covers
_MARGIN: Final = 0.08  # of a box's side, added around it
_ROUNDS: Final = 3  # of raising the threshold

PixelBox = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels, the last two not included."""


@dataclass(frozen=True, slots=True)
class _Region:
    """A box in cells of the small picture, and how much stands out in it."""

    box: Box
    mass: float


def salient_boxes(picture: Image.Image, most: int) -> list[PixelBox]:
    """Up to ``most`` boxes of an RGB picture, the most salient first.

    Otsu's threshold parts what is salient from the ground; what touches, but for a narrow gap,
    is one region. Of two boxes of which one lies half in the other, the more salient stays.
    """
    if min(picture.size) < _TINY:
        return []
    scale = _SIDE / max(picture.size)
    small = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    saliency = saliency_of(picture.resize(small, Image.Resampling.BOX, reducing_gap=2.0))
    if saliency.max() < _CONTRAST:
        return []
    chosen: list[_Region] = []
    for one in sorted(_found(saliency), key=lambda one: (-one.mass, one.box)):
        if len(chosen) < most and not any(_repeats(one, other) for other in chosen):
            chosen.append(one)
    return [_in_pixels(one, small, picture.size) for one in chosen]


def _found(saliency: Cells) -> list[_Region]:
    """Regions of a useful size; where there are none the threshold is raised and raised again."""
    threshold = 0.0
    for _ in range(_ROUNDS):
        above = saliency[saliency > threshold]
        if above.size == 0:
            break
        threshold = threshold_of(above)
        mask = _closed(saliency > threshold)
        size = float(saliency.size)
        regions = _regions(saliency, mask)
        kept = [one for one in regions if _SMALLEST <= _area(one.box) / size <= _LARGEST]
        if kept:
            return kept
    return []


def _closed(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """``mask`` with gaps of two cells bridged (morphological closing)."""
    image = Image.fromarray(mask.astype(np.uint8) * 255)
    wider = image.filter(ImageFilter.MaxFilter(3))
    return np.asarray(wider.filter(ImageFilter.MinFilter(3))) > 0


def _regions(saliency: Cells, mask: NDArray[np.bool_]) -> list[_Region]:
    """Each group of cells of ``mask`` that touch by a side, with a margin around it."""
    left = {(int(y), int(x)) for y, x in zip(*np.nonzero(mask), strict=True)}
    found = []
    for start in sorted(left):
        if start not in left:
            continue
        group, edge = [], [start]
        left.discard(start)
        while edge:
            y, x = edge.pop()
            group.append((y, x))
            near = left & {(y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)}
            left -= near
            edge.extend(near)
        found.append(_region(group, saliency))
    return found


def _region(group: list[tuple[int, int]], saliency: Cells) -> _Region:
    rows, columns = np.array(group).T
    top, bottom = float(rows.min()), float(rows.max() + 1)
    left, right = float(columns.min()), float(columns.max() + 1)
    across, down = 1 + _MARGIN * (right - left), 1 + _MARGIN * (bottom - top)
    height, width = saliency.shape
    box = (
        max(0.0, left - across),
        max(0.0, top - down),
        min(float(width), right + across),
        min(float(height), bottom + down),
    )
    return _Region(box, float(saliency[rows, columns].sum()))


def _repeats(one: _Region, other: _Region) -> bool:
    """Whether the boxes share more than half of the smaller one."""
    (a, b, c, d), (e, f, g, h) = one.box, other.box
    shared = max(0.0, min(c, g) - max(a, e)) * max(0.0, min(d, h) - max(b, f))
    return shared > min(_area(one.box), _area(other.box)) / 2


def _area(box: Box) -> float:
    left, top, right, bottom = box
    return (right - left) * (bottom - top)


def _in_pixels(one: _Region, cells: tuple[int, int], size: tuple[int, int]) -> PixelBox:
    left, top, right, bottom = one.box
    across, down = size[0] / cells[0], size[1] / cells[1]
    return (
        int(left * across),
        int(top * down),
        min(size[0], int(np.ceil(right * across))),
        min(size[1], int(np.ceil(bottom * down))),
    )
