"""Which frames of a picture file are pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from PIL import Image

from mmcore.errors import MediaError
from mmcore.media.images.formats import ANIMATED
from mmcore.media.images.read import explained
from mmcore.media.limits import check_pages, decoding
from mmcore.specs import LimitsSpec

_KIND, _OLD_KIND = 254, 255  # tags of a TIFF: NewSubfileType and SubfileType
_NO_PAGE: Final = 0b101  # of the first: a reduced copy of another page, or its mask
_REDUCED: Final = 2  # of the second


def frames(image: Image.Image, limits: LimitsSpec) -> Iterator[int | MediaError]:
    """The frame number of each page of an opened picture, an error for one that is broken.

    Only a TIFF has pages: a GIF's frames are a motion, a phone's second picture is another view.
    Small copies and masks of a page are none, unless there is nothing else. Raises MediaError
    ``too-many-pages``.
    """
    if image.format != "TIFF" or not getattr(image, "is_animated", False):
        yield image.tell()  # of a PSD the composite is shown, though it is no frame
        return
    found = False
    number = 0
    while (shown := _shown(image, number, limits)) is not None:
        check_pages(number + 1, limits)
        if isinstance(shown, MediaError) or shown:
            found = True
            yield number if shown is True else shown
        if image.tell() != number:  # its header was not read, so where the next lies is unknown
            break
        number += 1
    if not found:
        yield 0


def _shown(image: Image.Image, number: int, limits: LimitsSpec) -> bool | MediaError | None:
    """Whether frame ``number`` is a page; None after the last, an error for a broken one."""
    try:
        with explained(limits):
            show(image, number, limits)
            return not _is_copy(image)
    except MediaError as error:
        return None if isinstance(error.__cause__, EOFError) else error


def show(image: Image.Image, number: int, limits: LimitsSpec) -> None:
    """Go to a frame; MediaError when it is broken."""
    if number != image.tell():
        image.info.pop("icc_profile", None)  # Pillow hands it on to a page that has none
        with explained(limits):
            image.seek(number)


def _is_copy(image: Image.Image) -> bool:
    tags = getattr(image, "tag_v2", {})
    kind = tags.get(_KIND, 0)
    return bool(isinstance(kind, int) and kind & _NO_PAGE) or tags.get(_OLD_KIND) == _REDUCED


def is_animation(image: Image.Image) -> bool:
    """Whether the opened picture has frames that follow each other; broken ones do not count."""
    if image.format not in ANIMATED:
        return False
    try:
        with decoding("image"):
            return bool(getattr(image, "is_animated", False))
    except MediaError:
        return False
