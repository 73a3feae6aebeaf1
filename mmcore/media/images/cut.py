"""Pictures → pieces: the whole, pages, and regions that stand out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from PIL import Image

from mmcore.errors import MediaError
from mmcore.media.images.enhance import enhanced
from mmcore.media.images.formats import SVG
from mmcore.media.images.load import decoded, load_image
from mmcore.media.images.pages import frames, is_animation, show
from mmcore.media.images.read import opened
from mmcore.media.images.regions import salient_boxes
from mmcore.media.pieces import Damage, Piece, Pieces
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Content, Span

CLOSER: Final = 4
"""How much larger a picture is decoded that regions are cut from: they are to be seen well too."""


def pictures(
    content: Content, spec: SegmentationSpec, limits: LimitsSpec, *, target: int
) -> Pieces:
    """The picture as one piece, or one for each page of a TIFF; regions beside where asked for.

    A page that cannot be read is a Damage. Raises MediaError when no page can, or when the file
    cannot be used at all.
    """
    scale = target * CLOSER if spec.image_regions else target
    for found in _found(content, limits, scale):
        if isinstance(found, Damage):
            yield found
            continue
        piece = replace(found, decoded=enhanced(found.decoded, spec.image_enhance))
        yield piece
        if spec.image_regions:
            yield from _regions(piece, spec.image_regions)


def _found(content: Content, limits: LimitsSpec, target: int) -> Pieces:
    """What the file holds, as it is."""
    if content.media_type == SVG:
        yield Piece("whole", load_image(content, limits, target=target))
        return
    with opened(content, limits) as image:
        numbers = list(frames(image, limits))
        if len(numbers) == 1:
            picture = _page(image, numbers[0], limits, target)
            yield Piece("whole", picture, kind="animation" if is_animation(image) else None)
        else:
            yield from _pages(image, numbers, limits, target)


def _pages(
    image: Image.Image, numbers: list[int | MediaError], limits: LimitsSpec, target: int
) -> Pieces:
    """A piece or a damage for each page; MediaError when there is no piece."""
    broken: list[Damage] = []  # held back until one page is found sound
    sound = False
    for page, number in enumerate(numbers):
        span = Span(page, page + 1, "page")
        try:
            picture = _page(image, number, limits, target)
        except MediaError as error:
            broken.append(Damage(error, span=span))
        else:
            sound = True
            yield from broken
            broken.clear()
            kept = picture.copy() if picture is image else picture
            yield Piece("page", kept, span=span, kind="page")
    if not sound:
        raise broken[0].error
    yield from broken


def _page(
    image: Image.Image, number: int | MediaError, limits: LimitsSpec, target: int
) -> Image.Image:
    if isinstance(number, MediaError):
        raise number
    show(image, number, limits)
    return decoded(image, limits, target=target)


def _regions(piece: Piece, most: int) -> Iterator[Piece]:
    """Up to ``most`` pieces cut out of a picture, each with its box."""
    picture: Image.Image = piece.decoded
    page = piece.span.start if piece.span is not None else 0
    for left, top, right, bottom in salient_boxes(picture, most):
        box = (
            left / picture.width,
            top / picture.height,
            right / picture.width,
            bottom / picture.height,
        )
        span = Span(page, page + 1, "box", box)
        crop = picture.crop((left, top, right, bottom))
        yield Piece("region", crop, span=span, kind="region")
