from __future__ import annotations

import numpy as np
import pytest

from mmcore.media.sounds.kinds import kind_of, steadiness
from mmcore.media.sounds.resample import RATE
from tests.made import sounds as made


@pytest.mark.parametrize("samples", [0, 1, 100, 16_000])
def test_nothing_is_silence(samples):
    """Digital silence of any length is silence."""
    assert kind_of(np.zeros(samples, dtype=np.float32)) == "silence"


def test_hiss_below_60_db_is_silence():
    """What nobody hears is silence, and the same hiss made louder is a sound."""
    assert kind_of(made.noise(3.0, 0.0005)) == "silence"
    assert kind_of(made.noise(3.0, 0.05)) == "sound"


def test_a_word_in_silence_is_no_silence():
    """A tenth of a second that is loud makes a window audible."""
    samples = np.zeros(10 * RATE, dtype=np.float32)
    samples[RATE : RATE + RATE // 10] = made.noise(0.1, 0.1)

    assert kind_of(samples) != "silence"


def test_a_tune_is_music():
    """Notes that ring on over the next ones are music; so are they at half the loudness."""
    tune = made.music(5.0)

    assert kind_of(tune) == kind_of(tune / 2) == "music"


def test_speech_is_a_voice():
    """Buzzing vowels that change four times a second pass for a voice."""
    assert kind_of(made.vowels(4.0)) == "voice"


def test_steadiness_is_a_share():
    """A note that rings on stays nearly as it is, noise does not."""
    note, hiss = steadiness(made.music(0.5)), steadiness(made.noise(5.0, 0.1))

    assert note[0] > 0.8
    assert hiss.max() < 0.5
    assert hiss.min() >= 0


@pytest.mark.parametrize("samples", [100, 511, 512, 2047, 2049, 5000])
def test_any_length_has_a_kind(samples):
    """A sound of a few samples is a sound."""
    assert kind_of(made.noise(1.0, 0.1)[:samples]) == "sound"
