"""One decoded frame → a picture as a player shows it."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from PIL import Image

from mmcore.media.limits import check_pixels
from mmcore.specs import LimitsSpec

_UNSPECIFIED: Final = 2  # AVCOL_SPC_UNSPECIFIED
_HIGH_DEFINITION: Final = 720  # lines from which BT.709 is meant where nothing is said
_ODDEST_PIXEL: Final = 10.0  # width to height, or height to width; more is a wrong word
_WHITE: Final = (255, 255, 255, 255)


def picture(
    frame: Any, aspect: float, target: int | None, limits: LimitsSpec, converter: VideoReformatter
) -> Image.Image:
    """RGB, upright by the display matrix, with square pixels, transparency on white.

    ``aspect``: width of a pixel to its height. With ``target`` the shorter side keeps at least
    2 × ``target`` pixels, and more are averaged inside the colour conversion.
    """
    width, height = shown_size(frame.width, frame.height, aspect)
    check_pixels(width, height, limits)
    shorter = min(width, height)
    if target is not None and shorter > 2 * target:
        scale = 2 * target / shorter
        width, height = round(width * scale), round(height * scale)
    shrinks = width < frame.width or height < frame.height
    converted = converter.reformat(
        frame,
        width=width,
        height=height,
        format="rgba" if _is_transparent(frame) else "rgb24",
        src_colorspace=_matrix(frame),
        interpolation=Interpolation.AREA if shrinks else Interpolation.BILINEAR,
        dst_color_range=ColorRange.JPEG,
        threads=1,
    )
    image = Image.fromarray(converted.to_ndarray())
    if image.mode == "RGBA":
        canvas = Image.new("RGBA", image.size, _WHITE)
        canvas.alpha_composite(image)
        image = canvas.convert("RGB")
    turn = _TURNS.get(_turn(frame))
    return image if turn is None else image.transpose(turn)


def shown_size(width: int, height: int, aspect: float) -> tuple[int, int]:
    """Size with square pixels: the side of which the pixels are longer is enlarged."""
    if not 1 / _ODDEST_PIXEL <= aspect <= _ODDEST_PIXEL:
        return width, height
    if aspect >= 1:
        return round(width * aspect), height
    return width, round(height / aspect)


def _is_transparent(frame: Any) -> bool:
    return any(component.is_alpha for component in frame.format.components)


def _matrix(frame: Any) -> Colorspace | None:
    """The matrix from YUV to RGB, where the frame does not say it."""
    if frame.colorspace == _UNSPECIFIED and frame.height >= _HIGH_DEFINITION:
        return Colorspace.ITU709
    return None


def _turn(frame: Any) -> tuple[bool, int]:
    """(mirrored left to right, then quarter turns counterclockwise) of the display matrix."""
    found = frame.side_data.get("DISPLAYMATRIX")
    if found is None:
        return False, 0
    a, b, _, c, d = np.frombuffer(bytes(found), "<i4")[:5].tolist()
    mirrored = a * d - b * c < 0
    if mirrored:
        a, c = -a, -c
    return mirrored, round(math.degrees(math.atan2(-b, a)) / 90) % 4


_TURNS: Final = {
    (False, 1): Image.Transpose.ROTATE_90,
    (False, 2): Image.Transpose.ROTATE_180,
    (False, 3): Image.Transpose.ROTATE_270,
    (True, 0): Image.Transpose.FLIP_LEFT_RIGHT,
    (True, 1): Image.Transpose.TRANSPOSE,
    (True, 2): Image.Transpose.FLIP_TOP_BOTTOM,
    (True, 3): Image.Transpose.TRANSVERSE,
}
