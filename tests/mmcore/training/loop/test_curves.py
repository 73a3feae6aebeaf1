"""Curves of a training."""

from __future__ import annotations

import pytest

from mmcore.training.loop.curves import Point, plot


def test_losses_and_scores_have_axes_of_their_own():
    """The picture names all curves, a curve that begins late too, and is the same each time."""
    points = [
        Point(1, {"loss": 2.0, "held_out_loss": 2.5}),
        Point(2, {"loss": 1.0, "held_out_loss": 2.0, "RR": 0.3}),
    ]
    drawn = plot(points, "Towers")

    assert drawn.startswith(b"<?xml")
    for name in (b"held_out_loss", b"RR", b"Towers", b"epoch"):
        assert b"<!-- " + name + b" -->" in drawn


def test_nothing_is_no_curve():
    """ValueError."""
    with pytest.raises(ValueError, match="no epoch"):
        plot([], "Towers")


def test_a_point_is_flat_in_json():
    """The epoch beside its values."""
    assert Point(2, {"loss": 0.5}).to_json() == {"epoch": 2, "loss": 0.5}
