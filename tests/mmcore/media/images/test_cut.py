"""Tests of mmcore/media/images/cut.py and pages.py."""

import numpy as np
import pytest
from PIL import Image

from mmcore.errors import MediaError
from mmcore.media.images.cut import pictures
from mmcore.media.images.load import load_image
from mmcore.media.pieces import Damage, Piece
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Span
from tests import media
from tests.made import images
from tests.media import BLUE, GREEN, RED

LIMITS = LimitsSpec()
PLAIN = SegmentationSpec()


def cut(path, spec=PLAIN, limits=LIMITS, target=16):
    """All pieces of a picture file."""
    return list(pictures(images.content(path), spec, limits, target=target))


def plain(*colours, size=(16, 16)):
    """Pictures of one colour each."""
    return [Image.new("RGB", size, colour) for colour in colours]


def test_a_picture_is_one_piece(tmp_path):
    """A file with one picture is whole, of no place and of no kind."""
    (piece,) = cut(media.png(tmp_path / "a.png"))

    assert (piece.segmentation, piece.span, piece.kind) == ("whole", None, None)
    assert piece.decoded.getpixel((1, 1)) == RED


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.avif"])
def test_an_animation_is_its_first_frame_and_noted(tmp_path, name):
    """Frames that follow each other are no pages: the first is the picture."""
    first, *others = plain(RED, GREEN, BLUE)
    first.save(tmp_path / name, save_all=True, append_images=others)

    (piece,) = cut(tmp_path / name)

    assert (piece.segmentation, piece.span, piece.kind) == ("whole", None, "animation")
    assert np.abs(np.subtract(piece.decoded.getpixel((8, 8)), RED)).max() < 8


def test_an_animation_that_breaks_off_is_a_picture(tmp_path):
    """What follows the first frame may be broken."""
    first, *others = (media.noise(64, 64, seed) for seed in range(3))
    path = tmp_path / "a.gif"
    first.save(path, save_all=True, append_images=others)
    path.write_bytes(path.read_bytes()[:-3000])

    (piece,) = cut(path)

    assert piece.decoded.size == (64, 64)


def test_a_phones_second_view_is_no_page(tmp_path):
    """An MPO holds a JPEG and others beside it: the first counts, and nothing moves."""
    first, other = plain(RED, GREEN)
    path = tmp_path / "a.jpg"
    first.save(path, "MPO", save_all=True, append_images=[other])

    (piece,) = cut(path)

    assert (piece.segmentation, piece.kind) == ("whole", None)


def test_each_page_of_a_tiff_is_a_piece(tmp_path):
    """Pages count from 0, in their order, each with its own size."""
    pages = [*plain(RED, GREEN), Image.new("L", (8, 24), 7)]
    found = cut(images.tiff(tmp_path / "a.tif", *pages))

    assert [piece.span for piece in found] == [Span(n, n + 1, "page") for n in range(3)]
    assert {(piece.segmentation, piece.kind) for piece in found} == {("page", "page")}
    assert [piece.decoded.getpixel((1, 1)) for piece in found] == [RED, GREEN, (7, 7, 7)]
    assert [piece.decoded.size for piece in found] == [(16, 16), (16, 16), (8, 24)]


@pytest.mark.parametrize("broken", [0, 1, 2])
def test_a_broken_page_loses_no_other(tmp_path, broken):
    """One page of three is a damage that says where; the others stay where they are."""
    path = images.tiff(tmp_path / "a.tif", *plain(RED, GREEN, BLUE))
    images.break_page(path, broken)

    found = cut(path)

    assert [one.span for one in found] == [Span(n, n + 1, "page") for n in range(3)]
    assert [n for n, one in enumerate(found) if isinstance(one, Damage)] == [broken]
    assert found[broken].error.stage == "image"


def test_a_tiff_of_broken_pages_is_rejected(tmp_path):
    """When no page can be read the file cannot."""
    path = images.tiff(tmp_path / "a.tif", *plain(RED, GREEN))
    images.break_page(path, 0)
    images.break_page(path, 1)

    with pytest.raises(MediaError) as caught:
        cut(path)
    assert caught.value.stage == "image"


def test_pages_behind_a_broken_header_are_one_damage(tmp_path):
    """Where the list of pages leads nowhere what came before is kept, and the rest is told."""
    path = images.tiff(tmp_path / "a.tif", *plain(RED, GREEN, BLUE))
    with Image.open(path) as image:
        image.seek(1)
        start = image.tag_v2.next
    path.write_bytes(path.read_bytes()[: start + 1])

    first, second, third = cut(path)

    assert [first.decoded.getpixel((1, 1)), second.decoded.getpixel((1, 1))] == [RED, GREEN]
    assert isinstance(third, Damage)
    assert third.span == Span(2, 3, "page")


@pytest.mark.parametrize("tag", [{254: 1}, {254: 4}, {255: 2}])
def test_small_copies_and_masks_are_no_pages(tmp_path, tag):
    """A preview before, or a mask after, the one page leaves the picture whole."""
    big, small = Image.new("RGB", (32, 32), GREEN), Image.new("RGB", (8, 8), RED)
    before = images.tiff(tmp_path / "before.tif", small, big, tags={0: tag})
    after = images.tiff(tmp_path / "after.tif", big, small, tags={1: tag})

    for path in (before, after):
        (piece,) = cut(path)
        assert (piece.segmentation, piece.span) == ("whole", None)
        assert piece.decoded.size == (32, 32)
        assert load_image(images.content(path), LIMITS, target=16).size == (32, 32)


def test_a_tiff_of_small_copies_is_its_first(tmp_path):
    """When all there is says that it is a copy, the first counts."""
    tags = {0: {254: 1}, 1: {254: 1}}
    path = images.tiff(tmp_path / "a.tif", *plain(RED, GREEN), tags=tags)

    (piece,) = cut(path)

    assert piece.decoded.getpixel((1, 1)) == RED


def test_too_many_pages_are_refused(tmp_path):
    """Three pages where two are the limit: nothing is kept."""
    path = images.tiff(tmp_path / "a.tif", *plain(RED, GREEN, BLUE))

    with pytest.raises(MediaError) as caught:
        cut(path, limits=LimitsSpec(max_pages=2))
    assert (caught.value.stage, caught.value.reason) == ("limits", "too-many-pages")


def test_each_page_is_held_to_the_limit_of_pixels(tmp_path):
    """A large page among small ones is a damage."""
    pages = [Image.new("1", (20, 20)), Image.new("1", (2000, 2000))]
    path = images.tiff(tmp_path / "a.tif", *pages)

    first, second = cut(path, limits=LimitsSpec(max_pixels=1000))

    assert isinstance(first, Piece)
    assert second.error.reason == "too-many-pixels"


def test_a_profile_is_its_own_pages(tmp_path):
    """A page without a profile does not get the one of the page before."""
    pages = [Image.new("L", (8, 8), 128), Image.new("L", (8, 8), 128)]
    tags = {0: {34675: images.grey_profile(1.0)}}
    found = cut(images.tiff(tmp_path / "a.tif", *pages, tags=tags))

    assert found[0].decoded.getpixel((1, 1))[0] == pytest.approx(188, abs=2)
    assert found[1].decoded.getpixel((1, 1)) == (128, 128, 128)


def test_enhancement_reaches_each_page(tmp_path):
    """What the setting asks for is done to every piece."""
    spec = SegmentationSpec(image_enhance=("autocontrast",))
    grey = media.picture(left=(100,) * 3, right=(150,) * 3)
    path = images.tiff(tmp_path / "a.tif", grey, grey)

    assert [piece.decoded.getpixel((1, 1)) for piece in cut(path, spec)] == [(0, 0, 0)] * 2


def test_regions_are_pieces_beside_the_whole(tmp_path):
    """A disc becomes a second piece, cut out, with its box as shares of the picture."""
    path = media.png(tmp_path / "a.png", images.discs((160, 120)))

    whole, region = cut(path, SegmentationSpec(image_regions=3))

    assert whole.segmentation == "whole"
    assert (region.segmentation, region.kind, region.span.unit) == ("region", "region", "box")
    assert (region.span.start, region.span.end) == (0, 1)
    left, top, right, bottom = region.span.box
    assert left < 130 / 320 < 190 / 320 < right
    assert top < 90 / 240 < 150 / 240 < bottom
    assert region.decoded.size == (round((right - left) * 320), round((bottom - top) * 240))
    assert region.decoded.getpixel((region.decoded.width // 2, region.decoded.height // 2)) == RED


def test_regions_name_their_page(tmp_path):
    """A disc on the second page has a box in the second page."""
    pages = [Image.new("RGB", (320, 240)), images.discs((160, 120))]

    found = cut(images.tiff(tmp_path / "a.tif", *pages), SegmentationSpec(image_regions=1))

    assert [piece.segmentation for piece in found] == ["page", "page", "region"]
    assert (found[2].span.start, found[2].span.end) == (1, 2)


def test_boxes_are_of_the_upright_picture(tmp_path):
    """A disc on the left of a photo that lies on its side is at the top of the upright one."""
    path = media.jpeg(tmp_path / "a.jpg", images.discs((60, 120)), orientation=6)

    _, region = cut(path, SegmentationSpec(image_regions=1))

    left, top, right, bottom = region.span.box
    assert (left + right) / 2 == pytest.approx(0.5, abs=0.03)
    assert (top + bottom) / 2 == pytest.approx(60 / 320, abs=0.03)


def test_regions_are_cut_from_more_pixels(tmp_path):
    """With regions a large JPEG is decoded four times as large: they are to be seen too."""
    path = media.jpeg(tmp_path / "a.jpg", images.discs((800, 600), size=(1600, 1200)))

    (alone,) = cut(path)
    whole, region = cut(path, SegmentationSpec(image_regions=1))

    assert whole.decoded.width >= 2 * alone.decoded.width
    assert region.segmentation == "region"
