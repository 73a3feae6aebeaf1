"""The learning rate over the steps of a training."""

from __future__ import annotations

import pytest

from mmcore.training.towers.schedule import rate_at
from mmcore.training.towers.spec import TowersSpec

STEPS = 5


def rates(**settings):
    """Of all steps of ten epochs of five; the highest is 1."""
    spec = TowersSpec(epochs=10, rate=1.0, **settings)
    return [rate_at(step, STEPS, spec) for step in range(10 * STEPS)]


def test_it_rises_in_a_line_then_falls_by_half_a_cosine():
    """Ten of fifty steps of warm-up: 0.1, 0.2 … 1; half way down at half of the rest."""
    found = rates(warmup=0.2)

    assert found[:10] == pytest.approx([0.1 * n for n in range(1, 11)])
    assert found[10] == 1.0
    assert found[30] == pytest.approx(0.5)
    assert 0 < found[-1] < 0.01


def test_it_falls_in_steps():
    """To a third of it every four epochs, and not between."""
    found = rates(schedule="step", warmup=0, step_epochs=4, step_factor=0.3)

    assert found[0] == found[19] == 1.0
    assert found[20] == pytest.approx(0.3)
    assert found[40] == pytest.approx(0.09)


def test_it_may_stay():
    """No schedule: the highest all the time."""
    assert set(rates(schedule="none", warmup=0)) == {1.0}
