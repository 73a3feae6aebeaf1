"""Tests of mmcore/media/images/fit.py."""

import numpy as np
import pytest
from PIL import Image

from mmcore.media.images.fit import square
from tests.media import RED


def test_square_pads_with_white():
    """A picture twice as wide as high fills the middle half; above and below is white."""
    found = square(Image.new("RGB", (80, 40), RED), 8)

    assert found.shape == (8, 8, 3)
    assert found.dtype == np.uint8
    assert (found[:2] == 255).all()
    assert (found[6:] == 255).all()
    assert (found[2:6] == RED).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 100_000), (100_000, 1), (224, 224)])
def test_square_takes_any_shape(size):
    """One pixel, a line, and the wanted size itself fit."""
    assert square(Image.new("RGB", size), 224).shape == (224, 224, 3)
