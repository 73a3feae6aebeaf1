from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcore.media.sounds.resample import RATE, Resampler
from tests.media import tone


def resampled(samples, rate, size=None):
    """A sound through a resampler, in blocks of ``size``."""
    resampler = Resampler(rate)
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
    size=st.integers(1, 5000),
    length=st.integers(5000, 20_000),
)
def test_blocks_make_the_sound_resampled_at_once(rate, size, length):
    """However a sound is cut into blocks, the samples are the same, to a float's rounding."""
    samples = np.random.default_rng(0).normal(0, 0.1, length).astype(np.float32)

    blocks, whole = resampled(samples, rate, size), resampled(samples, rate)
    np.testing.assert_allclose(blocks, whole, atol=1e-6)


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
