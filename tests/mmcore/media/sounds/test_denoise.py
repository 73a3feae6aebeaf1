from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcore.media.sounds.denoise import denoised
from mmcore.media.sounds.resample import resampled
from tests.made import sounds as made
from tests.media import tone


def decibels(samples):
    """Loudness away from the edges."""
    return 20 * np.log10(np.sqrt(np.mean(np.square(samples[2000:-2000], dtype=np.float64))))


def parted(samples, hertz, rate=16_000):
    """The tone in a sound, and the rest."""
    time = np.arange(len(samples)) / rate
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


@pytest.mark.parametrize("rate", [8000, 44_100, 48_000])
def test_noise_is_lowered_at_any_rate(rate):
    """The same holds where the band of the noise is wider or narrower."""
    sine = tone(5.0, rate, 1000)
    loudness = 0.5 / np.sqrt(2) * 10 ** (-30 / 20)
    hiss = np.random.default_rng(0).normal(0, loudness, len(sine)).astype(np.float32)
    kept, rest = parted(denoised(sine + hiss, rate), 1000, rate)

    assert decibels(kept) == pytest.approx(decibels(sine), abs=1)
    assert decibels(rest) < decibels(hiss) - 10


def test_a_sound_is_denoised_alike_at_16_and_at_48_khz():
    """What is left of speech in noise at 48 kHz is, at 16 kHz, what is left of it there."""
    noisy = made.vowels(4.0) + made.noise(4.0, 0.03)
    usual = denoised(noisy)
    found = resampled(denoised(resampled(noisy, 16_000, 48_000), 48_000), 48_000)

    assert decibels(found - usual) < decibels(usual) - 30


def test_speech_comes_nearer_to_what_was_said():
    """What is added to vowels at 15 dB below them is more than halved in power."""
    clean = made.vowels(5.0)
    hiss = made.noise(5.0, float(np.std(clean)) * 10 ** (-15 / 20))

    assert decibels(denoised(clean + hiss) - clean) < decibels(hiss) - 3


@pytest.mark.parametrize("rate", [8000, 16_000, 48_000])
def test_what_is_left_alone_does_not_depend_on_the_rate(rate):
    """Less than 0.35 s are no sound to learn from, and a hiss 170 dB under full scale is none."""
    hiss = np.random.default_rng(0).normal(0, 1, 2 * rate).astype(np.float32)
    short = hiss[: round(0.35 * rate)] * np.float32(0.1)
    faint, louder = hiss * np.float32(2.5e-9), hiss * np.float32(6e-9)

    assert denoised(short, rate) is short
    assert denoised(faint, rate) is faint
    assert denoised(louder, rate) is not louder


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
@given(
    st.integers(0, 20_000),
    st.sampled_from([0.0, 1e-6, 0.1, 1e5]),
    st.sampled_from([1000, 16_000, 22_050, 48_000]),
)
def test_any_sound_keeps_its_length_and_is_finite(length, loudness, rate):
    """As many samples come out, all numbers, none far louder than before."""
    samples = made.noise(2.0, 1.0)[:length] * np.float32(loudness)
    found = denoised(samples, rate)

    assert found.shape == samples.shape
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert np.abs(found).max(initial=0) <= 2 * np.abs(samples).max(initial=0)
