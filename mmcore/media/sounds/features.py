"""Log-mel spectra and MFCC of sounds, in NumPy: workers that decode load no torch.

Equal to torchaudio's ``MelSpectrogram`` and ``create_dct`` up to rounding, which tests compare.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mmcore.media.sounds.resample import RATE, Waveform

BANDS: Final = 64
"""Mel bands between 50 Hz and 8 kHz."""

LOW, HIGH = 50.0, 8000.0

CEPSTRA: Final = 20

FRAMES: Final = 100
"""A second."""

FLOOR: Final = 1e-5
"""Power below which a band counts as silent."""

_WINDOW, _FFT = 400, 512  # samples: 25 ms, filled up
_HOP: Final = RATE // FRAMES

Bands = NDArray[np.float64]


def log_mel(samples: Waveform) -> NDArray[np.float32]:
    """Mono samples at 16 kHz → (64, 1 + n // 160) natural logarithms of mel powers, float32.

    Frames of 25 ms (Hann), one each 10 ms, centred, edges reflected (zeros where a sound is
    shorter than half a frame); mel scale after O'Shaughnessy ("HTK"); ``FLOOR`` is added first.
    """
    return logs(mel(samples)).astype(np.float32)


def mfcc(samples: Waveform) -> NDArray[np.float32]:
    """Mono samples at 16 kHz → (20, 1 + n // 160) cepstra: the orthonormal DCT of the log-mel."""
    return cepstra(logs(mel(samples))).astype(np.float32)


def mel(samples: Waveform) -> Bands:
    """(n,) → (64, 1 + n // 160) powers."""
    half = _FFT // 2
    padded = np.pad(samples, (0, max(0, half + 1 - len(samples))))
    count = 1 + len(padded) // _HOP
    whole = np.pad(padded, half, mode="reflect").astype(np.float64)
    frames = sliding_window_view(whole, _FFT)[::_HOP][:count] * _hann()
    spectrum = np.fft.rfft(frames, axis=1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    bands: Bands = _filters() @ power.T
    return bands


def logs(power: Bands) -> Bands:
    """Natural logarithms, bounded below."""
    found: Bands = np.log(power + FLOOR)
    return found


def cepstra(log_power: Bands) -> Bands:
    """(64, frames) log-mel → (20, frames)."""
    found: Bands = _dct() @ log_power
    return found


@cache
def _hann() -> Bands:
    """(512,): a periodic Hann window of 400 samples in the middle of zeros."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)
    return np.pad(window, (_FFT - _WINDOW) // 2)


@cache
def _filters() -> Bands:
    """(64, 257): triangles, equally wide on the mel scale, of height 1."""
    edges = _hertz(np.linspace(_mels(LOW), _mels(HIGH), BANDS + 2))
    bins = np.linspace(0, RATE // 2, _FFT // 2 + 1)
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    return np.maximum(0.0, np.minimum(rising, falling))


def _mels(hertz: float) -> float:
    return float(2595.0 * np.log10(1.0 + hertz / 700.0))


def _hertz(mels: Bands) -> Bands:
    found: Bands = 700.0 * (10.0 ** (mels / 2595.0) - 1.0)
    return found


@cache
def _dct() -> Bands:
    """(20, 64): the DCT of type II, orthonormal."""
    angles = np.pi / BANDS * np.outer(np.arange(CEPSTRA), np.arange(BANDS) + 0.5)
    basis: Bands = np.cos(angles) * np.sqrt(2.0 / BANDS)
    basis[0] *= np.sqrt(0.5)
    return basis
