"""Which kinds of picture are opened, by name: nothing that starts another program, as EPS does."""

from __future__ import annotations

import warnings
from typing import Final

import pi_heif
from PIL import Image, PngImagePlugin

FORMATS: Final = (
    *("JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF", "AVIF", "HEIF", "JPEG2000", "PPM"),
    *("ICO", "ICNS", "PSD", "DDS", "PCX", "SGI", "QOI", "SUN", "XPM"),
)
"""Pillow's names; the usual ones first, for they are tried in this order."""

ANIMATED: Final = frozenset({"GIF", "PNG", "WEBP", "AVIF"})
"""Formats whose further frames are a motion, not further pictures."""

SVG: Final = "image/svg+xml"
"""Media type of the one kind that is drawn, not decoded."""

_TEXT: Final = 16_000_000  # unpacked bytes of one text; Pillow bounds their sum at four times that

pi_heif.register_heif_opener()
# Drawing programs keep their own file in a PNG's packed text: it is no reason to lose the picture
PngImagePlugin.MAX_TEXT_CHUNK = max(PngImagePlugin.MAX_TEXT_CHUNK, _TEXT)
# What Pillow warns of (odd EXIF, size) is decided here: a rejection with its reason, or nothing.
warnings.filterwarnings("ignore", module=r"PIL\.")
# But for the size of a picture inside another (an icon's PNG): only Pillow sees it in time.
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
