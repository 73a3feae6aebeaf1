from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from mmcore.encoders.towers.pictures import THINNEST, Recipe

PLAIN = {"mean": (0.5,) * 3, "std": (0.5,) * 3}


def striped(width, height):
    """A picture whose middle differs from its ends."""
    rows = np.zeros((height, width, 3), dtype=np.uint8)
    rows[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3] = (200, 100, 50)
    return Image.fromarray(rows)


@pytest.mark.parametrize("size", [(1, 6000), (6000, 1), (3, 65_000), (2, 2)])
@pytest.mark.parametrize("resize", ["shortest", "squash", "longest"])
def test_a_thin_picture_is_never_scaled_to_gigabytes(monkeypatch, size, resize):
    """Its ends go before it is scaled: a header of a few bytes may not cost the memory."""
    scaled = []
    whole = Image.Image.resize

    def watched(self, size, *args, **kwargs):
        scaled.append(size)
        return whole(self, size, *args, **kwargs)

    monkeypatch.setattr(Image.Image, "resize", watched)
    recipe = Recipe(32, 32, resize=resize, **PLAIN)

    assert recipe.shaped(striped(*size)).shape == (32, 32, 3)
    assert max(side for one in scaled for side in one) <= (THINNEST + 1) * 32


@pytest.mark.parametrize("size", [(40, 100), (333, 57), (32, 32), (31, 450)])
def test_what_is_not_thin_is_shaped_as_by_the_library(size):
    """Scaled whole, then cut out of the middle, as torchvision does it."""
    from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

    picture = striped(*size)
    by = Compose([Resize(32, InterpolationMode.BICUBIC), CenterCrop(32)])
    found = Recipe(32, 32, resize="shortest", **PLAIN).shaped(picture).astype(int)

    assert np.abs(found - np.asarray(by(picture)).astype(int)).max() <= 1


def test_of_a_thin_picture_the_middle_is_seen():
    """What is cut off are its ends, on both sides alike."""
    found = Recipe(32, 32, resize="shortest", **PLAIN).shaped(striped(30, 9000)).astype(int)

    assert np.abs(found[:, 16] - (200, 100, 50)).max() <= 1
