from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcore.media.sounds.resample import RATE, Resampler, on_clock
from mmcore.media.sounds.resample import resampled as at_once
from tests.media import tone


def resampled(samples, rate, size=None, target=RATE):
    """A sound through a resampler, in blocks of ``size``."""
    resampler = Resampler(rate, target)
    size = size or len(samples)
    parts = [
        part
        for start in range(0, len(samples), size)
        for part in resampler.push(samples[start : start + size])
    ]
    return np.concatenate([*parts, *resampler.flush()])


def loudness(samples):
    """Root mean square of what lies away from the edges."""
    return np.sqrt(np.mean(samples[800:-800] ** 2))


@settings(max_examples=25, deadline=None)
@given(
    rate=st.sampled_from([1000, 8000, 11_127, 16_000, 22_050, 44_100, 44_099, 192_000]),
    target=st.sampled_from([8000, 16_000, 44_100, 48_000]),
    size=st.integers(1, 5000),
    length=st.integers(5000, 20_000),
)
def test_blocks_make_the_sound_resampled_at_once(rate, target, size, length):
    """However a sound is cut into blocks, the samples are the same, to a float's rounding."""
    samples = np.random.default_rng(0).normal(0, 0.1, length).astype(np.float32)

    blocks = resampled(samples, rate, size, target)
    np.testing.assert_allclose(blocks, at_once(samples, rate, target), atol=1e-6)


@pytest.mark.parametrize("rate", [8000, 11_025, 22_254, 44_100, 48_000, 192_000, 768_000])
def test_a_second_is_16_000_samples(rate):
    """The length is kept to one sample."""
    assert len(resampled(tone(1.0, rate), rate)) == pytest.approx(RATE, abs=1)


@pytest.mark.parametrize("hertz", [100, 1000, 4000, 6000, 7000])
def test_what_can_be_kept_is_kept(hertz):
    """Up to 7 kHz a tone at 44.1 kHz keeps its loudness within 0.1 dB."""
    before = tone(1.0, 44_100, hertz)

    assert loudness(resampled(before, 44_100)) == pytest.approx(loudness(before), rel=0.011)


@pytest.mark.parametrize("hertz", [8600, 9000, 12_000, 15_000, 20_000])
def test_what_cannot_be_kept_is_not_heard(hertz):
    """A tone above 8.6 kHz would come back as another one: 80 dB of it are gone."""
    assert loudness(resampled(tone(1.0, 44_100, hertz), 44_100)) < 1e-4 * 0.5 / np.sqrt(2)


@pytest.mark.parametrize("target", [8000, 22_050, 32_000, 44_100, 48_000])
@pytest.mark.parametrize("rate", [8000, 44_100, 48_000, 96_000])
def test_a_second_is_as_long_at_any_rate(rate, target):
    """The length is kept to one sample, whichever rate is asked for."""
    assert len(at_once(tone(1.0, rate), rate, target)) == pytest.approx(target, abs=1)


@pytest.mark.parametrize("hertz", [1000, 15_000])
def test_48_khz_keep_what_44_100_hold(hertz):
    """A tone at 44.1 kHz keeps its pitch and, within 0.1 dB, its loudness; no other is added."""
    found = at_once(tone(1.0, 44_100, hertz), 44_100, 48_000)[4800:-4800].astype(np.float64)
    wave = np.exp(2j * np.pi * hertz * np.arange(len(found)) / 48_000)
    amplitude = 2 * np.mean(found * wave.conj())

    assert 20 * np.log10(abs(amplitude) / 0.5) == pytest.approx(0, abs=0.1)
    assert np.abs(found - np.real(amplitude * wave)).max() < 1e-4 * 0.5


def test_a_sound_at_its_own_rate_is_left_alone():
    """Nothing is made of a sound that has the rate, or of none."""
    sound = tone(0.1, 48_000)

    assert at_once(sound, 48_000, 48_000) is sound
    assert len(at_once(sound[:0], 48_000)) == 0


@pytest.mark.parametrize("position", [0, 1, 53_333, 160_000])
def test_positions_are_equal_where_rates_are_multiples(position):
    """A place at 16 kHz is itself, at 48 kHz three times as many samples; else below one off."""
    assert on_clock(position, 16_000) == position
    assert on_clock(position, 48_000) == 3 * position
    assert 0 <= position / 16_000 - on_clock(position, 44_100) / 44_100 < 1 / 44_100
