"""Pictures of every kind → upright RGB."""

from __future__ import annotations

import io
import logging
import warnings
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, UnidentifiedImageError

from mmcore.errors import MediaError
from mmcore.media.limits import STAGE, check_pixels, decoding
from mmcore.specs import LimitsSpec
from mmcore.types import Content

log = logging.getLogger(__name__)

# Named, so that no format that runs another program (EPS) or is no picture of the sniffer's opens.
FORMATS: Final = ("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "JPEG2000", "PPM")
WHITE: Final = (255, 255, 255)

_SRGB: Final = ImageCms.createProfile("sRGB")
_DEEP: Final = 65535  # full scale of 16 bits

# What Pillow warns of (odd EXIF, size) is decided here: a rejection with its reason, or nothing.
warnings.filterwarnings("ignore", module=r"PIL\.")


def load_image(content: Content, limits: LimitsSpec, *, target: int) -> Image.Image:
    """Decode the first frame as upright RGB in sRGB, transparency over white.

    A JPEG is decoded at the smallest scale whose shorter side still has 2 × ``target`` pixels
    (3.3 times faster, within 52 dB). Raises MediaError; OSError when the file cannot be read.
    """
    # Pillow's own guard, of all its users, must not be stricter than ours; check_pixels is exact
    Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS or 0, limits.max_pixels)
    with Path(content.location).open("rb") as file, decoding("image"):
        try:
            with Image.open(file, formats=FORMATS) as image:
                check_pixels(*image.size, limits)
                image.draft(None, (2 * target, 2 * target))
                image.load()
                return _upright(_rgb(image), _orientation(image))
        except UnidentifiedImageError as error:
            raise MediaError(
                "image", "unidentified", "no decoder takes it for a picture"
            ) from error
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            message = f"more pixels than the {limits.max_pixels:,} that a picture may have"
            raise MediaError(STAGE, "too-many-pixels", message) from error


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


def _rgb(image: Image.Image) -> Image.Image:
    """Convert a loaded picture of any mode; one that is RGB already is not copied."""
    if image.mode.startswith("I") or image.mode == "F":
        return _from_deep(image)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        canvas = Image.new("RGBA", rgba.size, (*WHITE, 255))
        canvas.alpha_composite(rgba)
        flat = canvas.convert("RGB")
        flat.info = dict(image.info)
        return _to_srgb(flat)
    if image.mode == "P":
        return _to_srgb(image.convert("RGB"))
    return _to_srgb(image)


def _from_deep(image: Image.Image) -> Image.Image:
    """Grey of 16 bits, 32 bits or floats → RGB; beyond 16 bits the picture's own range is used."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float64), posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if image.mode != "F" and low >= 0 and high <= _DEEP:
        low, high = 0.0, float(_DEEP)
    grey = (values - low) * (255.0 / (high - low)) if high > low else np.zeros_like(values)
    return Image.fromarray(np.rint(grey).astype(np.uint8)).convert("RGB")


def _to_srgb(image: Image.Image) -> Image.Image:
    """Apply an embedded profile that fits the picture's mode; a broken one counts as none."""
    profile = image.info.get("icc_profile")
    if profile and image.mode in {"RGB", "CMYK"}:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if source.profile.xcolor_space.strip() == image.mode and not _is_srgb(source):
                converted = ImageCms.profileToProfile(image, source, _SRGB, outputMode="RGB")
                return converted if converted is not None else image
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
            log.debug("colour profile ignored: %s", error)
    return image if image.mode == "RGB" else image.convert("RGB")


def _is_srgb(profile: Any) -> bool:
    return str(profile.profile.profile_description or "").startswith("sRGB")


def _orientation(image: Image.Image) -> int:
    """EXIF orientation, 1 when there is none or the block is broken: it decides no pixel."""
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception as error:  # noqa: BLE001 - a hand-written block raises struct.error, KeyError …
        log.debug("EXIF block ignored: %s", error)
        return 1


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    turn = _TURNS.get(orientation)
    return image.transpose(turn) if turn is not None else image


_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
