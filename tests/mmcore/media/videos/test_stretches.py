"""Tests of mmcore/media/videos/stretches.py."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmcore.media.videos.stretches import Stretches, equal
from mmcore.types import Span


@given(st.floats(0, 1e4), st.floats(0, 1e4), st.integers(1, 200))
def test_equal_stretches_tile(start, length, count):
    """Each begins where the last one ended, none is empty, and all are of one length."""
    stretches = equal(start, start + length, count)
    spans = [stretches.span(number) for number in range(len(stretches))]

    assert len(spans) == count
    assert all(a.end == b.start for a, b in pairwise(spans))
    assert all(span.start < span.end for span in spans)
    assert spans[0].start == pytest.approx(start, abs=0.001)
    assert spans[-1].end >= round(start + length, 3) - 0.001


@given(st.floats(-10, 200))
def test_a_time_belongs_to_the_stretch_around_it(time):
    """One outside belongs to the first or the last."""
    stretches = Stretches((0.0, 1.0, 5.0, 100.0))
    number = stretches.of(time)

    assert number in range(3)
    if 0 <= time < 100:
        assert stretches.edges[number] <= time < stretches.edges[number + 1]
    assert stretches.of(stretches.middle(number)) == number


def test_a_span_of_several():
    """From the start of one to the end of another, to the millisecond."""
    assert Stretches((0.0, 1 / 3, 2.0)).span(0, 1) == Span(0.0, 2.0, "second")
    assert Stretches((0.0, 1 / 3, 2.0)).span(0) == Span(0.0, 0.333, "second")
