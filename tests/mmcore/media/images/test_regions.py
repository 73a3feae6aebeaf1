"""Tests of mmcore/media/images/regions.py and saliency.py."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from mmcore.media.images.regions import salient_boxes
from tests import media
from tests.made import images
from tests.media import BLUE


def covers(box, centre, radius):
    """Whether a box holds a disc and is not much larger than it."""
    left, top, right, bottom = box
    (x, y), slack = centre, radius
    inside = left <= x - radius and top <= y - radius and x + radius <= right <= x + radius + slack
    return inside and y + radius <= bottom <= y + radius + slack and left >= x - radius - slack


@pytest.mark.parametrize("radius", [20, 30, 60])
@pytest.mark.parametrize("centre", [(160, 120), (100, 100), (220, 140)])
def test_a_disc_on_plain_ground_is_a_region(centre, radius):
    """One red disc on grey has one box, which covers it."""
    (box,) = salient_boxes(images.discs(centre, radius=radius), 5)

    assert covers(box, centre, radius)


def test_two_discs_are_two_regions_the_larger_first():
    """Each disc has its box; the one that stands out more comes first."""
    picture = images.discs((230, 120), radius=40)
    picture.paste(images.discs((80, 120), radius=25).crop((0, 0, 140, 240)), (0, 0))

    first, second = salient_boxes(picture, 5)

    assert covers(first, (230, 120), 40)
    assert covers(second, (80, 120), 25)


def test_no_more_regions_than_asked():
    """Of three discs the two that stand out most are kept."""
    picture = images.discs((50, 60), (160, 180), (270, 60))

    assert len(salient_boxes(picture, 3)) == 3
    assert len(salient_boxes(picture, 2)) == 2


@pytest.mark.parametrize("size", [(320, 240), (1, 1), (3000, 1), (31, 31)])
def test_a_blank_picture_has_none(size):
    """Nothing stands out from one colour."""
    assert salient_boxes(Image.new("RGB", size, BLUE), 5) == []


def test_faint_differences_are_none():
    """What hardly differs from its ground is no region."""
    assert salient_boxes(images.discs((160, 120), colour=(131, 130, 129)), 5) == []


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 400), st.integers(1, 400), st.integers(0, 99), st.integers(1, 6))
def test_boxes_lie_in_the_picture_and_are_always_the_same(width, height, seed, most):
    """For any picture: boxes with pixels in them, inside it, no two alike, no chance involved."""
    picture = media.noise(max(1, width // 16), max(1, height // 16), seed).resize((width, height))

    boxes = salient_boxes(picture, most)

    assert len(boxes) == len(set(boxes)) <= most
    for left, top, right, bottom in boxes:
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
    assert boxes == salient_boxes(Image.fromarray(np.asarray(picture)), most)
