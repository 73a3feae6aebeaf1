"""Colours of every mode → RGB in sRGB, transparency over white."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from PIL import Image, ImageCms

from mmcore.media.images.deep import greyed, is_deep

log = logging.getLogger(__name__)

WHITE: Final = (255, 255, 255)
FAR: Final = 4
"""A picture whose shorter side has twice as many times the target is reduced down to this."""

_BAND: Final = 4_000_000  # pixels that are converted at once: no second copy of a large picture
_SRGB: Final = ImageCms.createProfile("sRGB")
_SPACES: Final = {"RGB": "RGB", "CMYK": "CMYK", "L": "GRAY"}  # mode → colour space of its profile
_PLAIN: Final = frozenset({"L", "RGB", "CMYK", "LAB"})


def to_rgb(image: Image.Image, target: int) -> Image.Image:
    """A loaded picture of any mode as RGB in sRGB; one that is so already is not copied.

    A picture far larger than ``target`` is averaged down by a whole factor on the way, to no
    less than ``FAR`` × ``target`` pixels of its shorter side.
    """
    factor = max(1, min(image.size) // (FAR * target))
    flatten = _flattening(image)
    if image.width * image.height <= _BAND or (factor == 1 and image.mode in _PLAIN):
        flat = flatten(image)
        return _to_srgb(flat.reduce(factor) if factor > 1 else flat, image)
    return _to_srgb(_in_bands(image, flatten, factor), image)


def _in_bands(
    image: Image.Image, flatten: Callable[[Image.Image], Image.Image], factor: int
) -> Image.Image:
    """What flattening and reducing the whole picture gives, of a few rows at a time."""
    width, height = image.size
    rows = max(1, _BAND // (width * factor)) * factor
    mode = flatten(image.crop((0, 0, 1, 1))).mode
    canvas = Image.new(mode, (-(-width // factor), -(-height // factor)))
    for top in range(0, height, rows):
        part = flatten(image.crop((0, top, width, min(height, top + rows))))
        canvas.paste(part.reduce(factor) if factor > 1 else part, (0, top // factor))
    return canvas


def _flattening(image: Image.Image) -> Callable[[Image.Image], Image.Image]:
    """What turns a stretch of ``image`` into 8 bits a channel without transparency."""
    if is_deep(image.mode):
        return greyed(image)
    if image.has_transparency_data:
        return _over_white
    if image.mode in _PLAIN:
        return lambda part: part
    mode = "L" if image.mode == "1" else "RGB"
    return lambda part: part.convert(mode)


def _over_white(part: Image.Image) -> Image.Image:
    if part.mode in {"LA", "La"}:
        grey = part.convert("LA")
        canvas = Image.new("L", part.size, WHITE[0])
        canvas.paste(grey.getchannel("L"), mask=grey.getchannel("A"))
        return canvas
    rgba = part if part.mode == "RGBA" else part.convert("RGBA")
    canvas = Image.new("RGB", part.size, WHITE)
    canvas.paste(rgba, mask=rgba)
    return canvas


def _to_srgb(flat: Image.Image, image: Image.Image) -> Image.Image:
    """Apply the profile of ``image``, of which ``flat`` is made; a broken one counts as none."""
    transform = None
    if flat.mode == "LAB":
        transform = _from_lab()
    elif (profile := image.info.get("icc_profile")) and flat.mode in _SPACES:
        transform = _transform(bytes(profile), flat.mode)
    if transform is not None:
        try:
            converted = ImageCms.applyTransform(flat, transform)
        except (ImageCms.PyCMSError, ValueError) as error:
            log.debug("colour profile ignored: %s", error)
        else:
            return flat if converted is None else converted
    return flat if flat.mode == "RGB" else flat.convert("RGB")


@lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> Any:
    """The way from ``profile`` to sRGB; None where it is sRGB, broken, or of another mode."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        named = str(source.profile.profile_description or "")
        if source.profile.xcolor_space.strip() != _SPACES[mode] or named.startswith("sRGB"):
            return None
        return ImageCms.buildTransform(source, _SRGB, mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        log.debug("colour profile ignored: %s", error)
        return None


@lru_cache(maxsize=1)
def _from_lab() -> Any:
    return ImageCms.buildTransform(ImageCms.createProfile("LAB"), _SRGB, "LAB", "RGB")
