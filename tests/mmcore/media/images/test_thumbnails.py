"""Tests of mmcore/media/images/thumbnails.py."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mmcore.media.images.thumbnails import thumbnail
from tests import media
from tests.made import images
from tests.media import RED


def opened(raw):
    """The picture of a thumbnail's bytes."""
    return Image.open(io.BytesIO(raw), formats=["JPEG"])


@given(st.integers(1, 700), st.integers(1, 700), st.integers(8, 300))
def test_the_longer_side_is_as_asked_and_nothing_is_enlarged(width, height, side):
    """A thumbnail's longer side is ``side``, or the picture's own where that is less."""
    found = opened(thumbnail(Image.new("RGB", (width, height)), side))

    assert max(found.size) == min(side, max(width, height))
    assert abs(found.width * height - found.height * width) <= max(width, height)


@pytest.mark.parametrize("side", [160, 150, 90])
def test_a_thumbnail_looks_like_the_picture(side):
    """It differs little from what the best resampling gives."""
    picture = media.noise(8, 6).resize((640, 480), Image.Resampling.BICUBIC)
    found = opened(thumbnail(picture, side))
    best = picture.resize(found.size, Image.Resampling.BICUBIC)

    assert np.abs(np.subtract(np.asarray(found), np.asarray(best), dtype=int)).mean() < 4


def test_a_thumbnail_tells_nothing_but_the_picture():
    """Where a photo was taken, and its profile, stay out; colours are halved both ways."""
    exif = Image.Exif()
    exif[0x010E] = "at home"
    file = io.BytesIO()
    media.picture().save(
        file, "JPEG", exif=exif, icc_profile=images.grey_profile(1), comment=b"mine", xmp=b"<x/>"
    )

    found = opened(thumbnail(Image.open(file), 160))

    assert not {"exif", "icc_profile", "comment", "xmp"} & found.info.keys()
    assert [layer[1:3] for layer in found.layer] == [(2, 2), (1, 1), (1, 1)]


def test_the_picture_itself_stays():
    """Making a thumbnail changes no pixel of the picture that goes to the encoder."""
    picture = media.picture(64, 64)
    thumbnail(picture, 8)

    assert picture.size == (64, 64)
    assert picture.getpixel((1, 1)) == RED
