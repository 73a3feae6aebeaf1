from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcore.media.sounds.denoise import denoised
from tests.made import sounds as made
from tests.media import tone


def decibels(samples):
    """Loudness away from the edges."""
    return 20 * np.log10(np.sqrt(np.mean(np.square(samples[2000:-2000], dtype=np.float64))))


def parted(samples, hertz):
    """The tone in a sound, and the rest."""
    time = np.arange(len(samples)) / 16_000
    wave = np.exp(2j * np.pi * hertz * time)
    found = np.real(2 * np.mean(samples * wave.conj()) * wave)
    return found, samples - found


@pytest.mark.parametrize("hertz", [300, 1000, 5000])
def test_noise_is_lowered_and_a_tone_is_kept(hertz):
    """White noise 30 dB under a steady tone loses 10 dB or more, the tone less than 1 dB."""
    sine = tone(10.0, hertz=hertz)
    hiss = made.noise(10.0, 0.5 / np.sqrt(2) * 10 ** (-30 / 20))
    kept, rest = parted(denoised(sine + hiss), hertz)

    assert decibels(kept) == pytest.approx(decibels(sine), abs=1)
    assert decibels(rest) < decibels(hiss) - 10


def test_speech_comes_nearer_to_what_was_said():
    """What is added to vowels at 15 dB below them is more than halved in power."""
    clean = made.vowels(5.0)
    hiss = made.noise(5.0, float(np.std(clean)) * 10 ** (-15 / 20))

    assert decibels(denoised(clean + hiss) - clean) < decibels(hiss) - 3


def test_silence_stays_silence():
    """Nothing is made of nothing."""
    assert not denoised(np.zeros(32_000, dtype=np.float32)).any()


def test_a_steady_tone_alone_is_kept():
    """What has a pitch is no noise, however steady."""
    assert decibels(denoised(tone(5.0))) == pytest.approx(decibels(tone(5.0)), abs=0.1)


def test_it_is_deterministic():
    """The same samples twice give the same ones, and are not changed themselves."""
    hiss = made.noise(2.0, 0.1)
    before = hiss.copy()

    np.testing.assert_array_equal(denoised(hiss), denoised(hiss))
    np.testing.assert_array_equal(hiss, before)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 20_000), st.sampled_from([0.0, 1e-6, 0.1, 1e5]))
def test_any_sound_keeps_its_length_and_is_finite(length, loudness):
    """As many samples come out, all numbers, none far louder than before."""
    samples = made.noise(2.0, 1.0)[:length] * np.float32(loudness)
    found = denoised(samples)

    assert found.shape == samples.shape
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert np.abs(found).max(initial=0) <= 2 * np.abs(samples).max(initial=0)
