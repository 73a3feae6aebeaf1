from __future__ import annotations

import numpy as np
import pytest

from mmcore.media.sounds.features import BANDS, CEPSTRA, FLOOR, log_mel, mfcc
from tests.made import sounds as made
from tests.media import tone


@pytest.mark.parametrize(("samples", "frames"), [(1600, 11), (16_000, 101), (16_159, 101)])
def test_a_frame_each_10_ms(samples, frames):
    """A sound of n samples has 1 + n // 160 frames, of 64 bands and of 20 cepstra, in float32."""
    sound = tone(2.0)[:samples]

    assert log_mel(sound).shape == (BANDS, frames) == (64, frames)
    assert mfcc(sound).shape == (CEPSTRA, frames) == (20, frames)
    assert log_mel(sound).dtype == mfcc(sound).dtype == np.float32


@pytest.mark.parametrize("samples", [0, 1, 256, 257])
def test_the_shortest_sounds_have_features(samples):
    """Silence is the logarithm of the floor, also where there is less than a frame."""
    found = log_mel(np.zeros(samples, dtype=np.float32))

    np.testing.assert_allclose(found, np.log(FLOOR), rtol=1e-5)
    assert np.isfinite(mfcc(np.zeros(samples, dtype=np.float32))).all()


def test_ten_times_the_amplitude_is_a_hundred_times_the_power():
    """A logarithm of power rises by ln 100 in the band of the tone, and bands rise with pitch."""
    quiet, loud = log_mel(tone(1.0) / 10), log_mel(tone(1.0))
    band = loud[:, 50].argmax()

    assert loud[band, 50] - quiet[band, 50] == pytest.approx(np.log(100), abs=1e-3)
    assert log_mel(tone(1.0, hertz=3000))[:, 50].argmax() > band


def test_the_first_cepstrum_is_the_level():
    """The DCT is orthonormal: cepstrum 0 is the sum of the bands over the root of their number."""
    sound = tone(1.0)

    np.testing.assert_allclose(mfcc(sound)[0], log_mel(sound).sum(0) / 8, rtol=1e-4)


@pytest.mark.parametrize("samples", [1600, 16_000, 52_341])
def test_features_are_those_of_torchaudio(samples):
    """The same powers and cepstra as the reference computes, up to its rounding."""
    import torch
    from torchaudio.functional import create_dct
    from torchaudio.transforms import MelSpectrogram

    sound = made.noise(4.0, 0.1)[:samples] + tone(4.0)[:samples]
    reference = MelSpectrogram(
        16_000, n_fft=512, win_length=400, hop_length=160, n_mels=64, f_min=50.0, f_max=8000.0
    )
    logs = (reference(torch.from_numpy(sound)) + FLOOR).log()
    cepstra = create_dct(CEPSTRA, BANDS, "ortho").T @ logs

    np.testing.assert_allclose(log_mel(sound), logs.numpy(), atol=2e-4)
    np.testing.assert_allclose(mfcc(sound), cepstra.numpy(), atol=2e-3)
