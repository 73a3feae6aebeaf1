"""How spans are held against the frames of a video."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.spans import Frames, error_of, gap_of, small


def grey(level: int) -> Image.Image:
    """A picture of one grey."""
    return Image.new("RGB", (64, 36), (level, level, level))


FRAMES = Frames(  # four frames, half a second each; the last two look alike
    np.array([0.0, 0.5, 1.0, 1.5]),
    np.stack([small(grey(level)) for level in (0, 80, 160, 160)]),
)


def test_a_picture_within_its_span_has_no_error():
    """The frame at 0.5 s lies in the span from 0 to 1 s."""
    assert error_of(grey(80), (0.0, 1.0), FRAMES) == 0.0


def test_a_picture_outside_of_its_span_is_as_far_off_as_its_frame():
    """The frame at 0.5 s lies 0.5 s before 1 s; that at 0 s lies 1 s before it."""
    assert error_of(grey(80), (1.0, 2.0), FRAMES) == pytest.approx(0.5)
    assert error_of(grey(0), (1.0, 2.0), FRAMES) == pytest.approx(1.0)


def test_of_frames_that_look_alike_the_nearest_counts():
    """A still scene cannot tell which of its frames was taken."""
    assert error_of(grey(160), (1.4, 2.0), FRAMES) == 0.0


def test_spans_that_leave_something_out_have_a_gap():
    """Between 0.5 and 0.8 s nothing is; behind 1.2 s the last frame, at 1.5 s, is left out."""
    assert gap_of([(0.0, 0.5), (0.8, 1.5)], FRAMES) == pytest.approx(0.3)
    assert gap_of([(0.0, 1.2)], FRAMES) == pytest.approx(0.3)
    assert gap_of([(0.0, 1.0), (1.0, 2.0)], FRAMES) == pytest.approx(0.0)


def test_a_frame_lasts_until_the_next():
    """Half a second, in a video of two frames a second."""
    assert FRAMES.duration == pytest.approx(0.5)
