"""Picture files opened, and what a decoder complains of told as a reason."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from PIL import Image, UnidentifiedImageError

from mmcore.errors import MediaError
from mmcore.media.extents import telling_cuts
from mmcore.media.images.formats import FORMATS
from mmcore.media.limits import STAGE, decoding
from mmcore.specs import LimitsSpec
from mmcore.types import Content

_SHORT: Final = ("truncated", "the file ends too early")
_VARIANT: Final = ("unsupported-variant", "the kind is known, but not this variant of it")
_TOLD: Final = {
    "truncated": _SHORT,
    "only got": _SHORT,
    "not enough image data": _SHORT,
    "unknown pixel format": _VARIANT,
    "unimplemented": _VARIANT,
    "unsupported": _VARIANT,
    "max_text": ("metadata-too-large", "packed text beside the picture unpacks to too much"),
}
"""Pillow has one exception for all faults: its words are all that tells these apart."""


@contextmanager
def opened(content: Content, limits: LimitsSpec) -> Iterator[Image.Image]:
    """The picture of a file with its header read; no pixel is decoded.

    Raises MediaError; OSError when the file cannot be read. A decoder's MediaError, also one of
    what is done with the picture, becomes ``truncated`` where the file is shorter than it says.
    """
    # Pillow's own guard, of all its users, must not be stricter than ours; check_pixels is exact
    Image.MAX_IMAGE_PIXELS = max(Image.MAX_IMAGE_PIXELS or 0, limits.max_pixels)
    with telling_cuts(content.location), _File(io.FileIO(content.location)) as file:
        with explained(limits):
            image = Image.open(file, formats=FORMATS)
        with image:
            yield image


class _File(io.BufferedReader):
    """A file that makes no room for more than it has, whatever length a broken header tells."""

    _MUCH: Final = 1 << 20

    def read(self, size: int | None = -1, /) -> bytes:
        """Up to ``size`` bytes; all that are left without it."""
        if size is not None and size > self._MUCH:
            size = min(size, max(0, os.fstat(self.fileno()).st_size - self.tell()))
        return super().read(size)


@contextmanager
def explained(limits: LimitsSpec) -> Iterator[None]:
    """Turn what a picture's decoder raises into MediaError with the reason that can be told."""
    with decoding("image"):
        try:
            yield
        except UnidentifiedImageError as error:
            message = "no decoder takes it for a picture: its header is broken or its kind unknown"
            raise MediaError("image", "unidentified", message) from error
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            message = f"more pixels than the {limits.max_pixels:,} that a picture may have"
            raise MediaError(STAGE, "too-many-pixels", message) from error
        except (OSError, ValueError, SyntaxError, NotImplementedError) as error:
            words = str(error).lower()
            for phrase, (reason, message) in _TOLD.items():
                if phrase in words:
                    raise MediaError("image", reason, f"{message} ({error})") from error
            raise
