"""Pictures that lie on their side are turned."""

from __future__ import annotations

from typing import Final

from PIL import Image

from mmcore.errors import MediaError
from mmcore.media.limits import decoding

_TAG: Final = 0x0112
_TURNED: Final = frozenset({"TIFF", "HEIF"})  # their decoders turn the picture themselves
_KEYS: Final = ("exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif")

_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def upright(picture: Image.Image, image: Image.Image) -> Image.Image:
    """Turn ``picture``, made of the loaded ``image``, as the metadata of ``image`` say."""
    turn = _TURNS.get(_orientation(image))
    return picture if turn is None else picture.transpose(turn)


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 when there is none or the block is broken: it decides no pixel."""
    if image.format in _TURNED or not any(key in image.info for key in _KEYS):
        return 1
    try:
        with decoding("image"):
            return int(image.getexif().get(_TAG, 1))
    except MediaError:  # a block written by hand raises struct.error, KeyError, ValueError …
        return 1
