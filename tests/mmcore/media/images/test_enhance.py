"""Tests of mmcore/media/images/enhance.py."""

import numpy as np
from PIL import Image

from mmcore.media.images.enhance import enhanced
from tests import media
from tests.made import images


def test_nothing_asked_changes_nothing():
    """Without steps the very same picture comes back."""
    picture = media.picture()

    assert enhanced(picture, ()) is picture


def test_autocontrast_stretches_and_keeps_hues():
    """Greys of 100 and 150 become black and white; a plain picture stays."""
    found = enhanced(media.picture(left=(100,) * 3, right=(150,) * 3), ["autocontrast"])
    plain = Image.new("RGB", (8, 8), (90, 100, 110))

    assert found.getpixel((1, 1)) == (0, 0, 0)
    assert found.getpixel((47, 1)) == (255, 255, 255)
    assert np.array_equal(np.asarray(enhanced(plain, ["autocontrast"])), np.asarray(plain))


def test_autocontrast_stretches_all_channels_alike():
    """Red that is darker than blue stays so: the picture gets no other tint."""
    left, right = (120, 100, 100), (140, 160, 150)
    found = enhanced(media.picture(left=left, right=right), ["autocontrast"])
    red, green, blue = found.getpixel((1, 1))

    assert red > green == blue


def test_denoise_takes_specks_out_and_leaves_edges():
    """One odd pixel goes, the edge between two halves stays."""
    picture = media.picture()
    picture.putpixel((8, 8), (255, 255, 255))

    found = enhanced(picture, ["denoise"])

    assert np.array_equal(np.asarray(found), np.asarray(media.picture()))


def test_steps_are_taken_in_order():
    """A speck that is taken out first does not hold the contrast down."""
    picture = images.discs((160, 120), colour=(150,) * 3)
    for x in range(8, 312, 4):
        for y in range(8, 232, 4):
            picture.putpixel((x, y), (255, 255, 255))

    first = enhanced(picture, ["denoise", "autocontrast"]).getpixel((161, 121))
    last = enhanced(picture, ["autocontrast", "denoise"]).getpixel((161, 121))

    assert first == (255, 255, 255)
    assert last[0] < 100
