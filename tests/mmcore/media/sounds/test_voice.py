from __future__ import annotations

import numpy as np
import pytest

from mmcore.media.sounds.voice import STEP, speech
from tests.made import sounds as made


def test_speech_is_likely_where_somebody_speaks():
    """Of vowels between silences only the vowels are likely to be speech."""
    quiet = np.zeros(32 * STEP, dtype=np.float32)
    likely = speech(np.concatenate([quiet, made.vowels(64 * STEP / 16_000), quiet]))

    assert len(likely) == 128
    assert likely[34:94].mean() > 0.7
    assert likely[:31].max() < 0.3
    assert likely[-20:].max() < 0.3


@pytest.mark.parametrize(("samples", "steps"), [(0, 0), (1, 1), (512, 1), (513, 2), (16_000, 32)])
def test_each_step_has_a_probability(samples, steps):
    """One for each 32 ms begun, of numbers that are probabilities, also of loud noise."""
    likely = speech(made.noise(1.0, 10.0)[:samples])

    assert likely.shape == (steps,)
    assert likely.dtype == np.float32
    assert ((likely >= 0) & (likely <= 1)).all()


def test_a_long_sound_is_read_in_blocks_that_know_each_other():
    """What is behind the first block of 1024 steps is as likely as if there were no blocks."""
    sound = np.tile(made.vowels(1.024), 40)
    likely = speech(sound)
    again = speech(sound[1000 * STEP :])  # 1000 steps later, with a short memory of its own

    np.testing.assert_allclose(likely[1150:1250], again[150:250], atol=0.02)
