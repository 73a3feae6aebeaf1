"""What a stretch of sound is: voice, music, silence, or some other sound."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mmcore.media.sounds.resample import RATE, Waveform
from mmcore.media.sounds.voice import STEP, speech

Kind = Literal["voice", "music", "silence", "sound"]

SILENT: Final = 1e-3
"""Loudness (rms; full scale is 1) of a tenth of a second below which nothing is heard: -60 dB."""

SPOKEN: Final = 0.25
"""Share of what is not silent that speech has to take."""

_LIKELY: Final = 0.5
_WIDTH, _HOP = 2048, 1600  # samples: 128 ms, 10 times a second
_BANDS: Final = slice(10, 640)  # 78 Hz to 5 kHz
_ENVELOPE: Final = 31  # bins
_RANGE: Final = 1e-5  # power under the loudest frame that still counts
_LAGS: Final = (2, 5)  # frames: 0.2 and 0.5 s
_WINDOW: Final = np.hanning(_WIDTH).astype(np.float32)
_UNKNOWN: Final = 0.3  # likeness over a lag in a sound that is shorter: a middling one
_MUSIC: Final = (9.0, 11.2, -10.0)  # for the two of steadiness, and a constant


def kind_of(samples: Waveform) -> Kind:
    """Mono samples at 16 kHz → the kind that they are, as far as cheap means can tell."""
    loudness = _loudness(samples, RATE // 10)
    if not len(samples) or loudness.max() < SILENT:
        return "silence"
    heard = _loudness(samples, STEP) >= SILENT
    if heard.any() and np.mean(speech(samples)[heard] > _LIKELY) >= SPOKEN:
        return "voice"
    return "music" if _is_music(samples) else "sound"


def _loudness(samples: Waveform, size: int) -> NDArray[np.float32]:
    """Root mean square of each ``size`` samples, the last ones filled up with silence."""
    padded = np.pad(samples, (0, -len(samples) % size)).reshape(-1, size)
    loudness: NDArray[np.float32] = np.sqrt(np.square(padded).mean(axis=1))
    return loudness


def _is_music(samples: Waveform) -> bool:
    """Whether partials stay where they are (music) rather than glide or rustle.

    A logistic regression (L2 of 0.01 over standardised steadiness) of windows of 10 s: 16 of
    music and 46 of other sounds of the Tux Paint stamps' training split, at most six a file, and
    30 of synthetic chords; rounded. Of the windows of the test split it tells 21 of 30 of music
    and 48 of 57 of other sounds, after voices are told.
    """
    weights = np.array(_MUSIC)
    return bool(steadiness(samples) @ weights[:-1] + weights[-1] > 0)


def steadiness(samples: Waveform) -> NDArray[np.float64]:
    """(2,): how alike the peaks of spectra 0.2 and 0.5 s apart are, 0 to 1.

    Peaks are what rises above the running mean of a log spectrum of 128 ms; likeness is the mean
    cosine. Frames far below the loudest do not count.
    """
    power = _spectra(samples)
    loud = power.sum(axis=1)
    power = power[loud > loud.max() * _RANGE] if loud.max() > 0 else power[:1]
    peaks = np.log(power + power.max() * 1e-9 + 1e-20)
    peaks = np.maximum(peaks - _running_mean(peaks), 0)
    peaks /= np.linalg.norm(peaks, axis=1, keepdims=True) + 1e-9
    likeness = [
        float((peaks[lag:] * peaks[:-lag]).sum(axis=1).mean()) if len(peaks) > lag else _UNKNOWN
        for lag in _LAGS
    ]
    return np.array(likeness)


def _spectra(samples: Waveform) -> NDArray[np.float32]:
    """(frames, bins) powers, at least one frame."""
    padded = np.pad(samples, (0, max(0, _WIDTH - len(samples))))
    frames = sliding_window_view(padded, _WIDTH)[::_HOP] * _WINDOW
    spectra = np.fft.rfft(frames, axis=1)[:, _BANDS].astype(np.complex64, copy=False)
    return np.square(spectra.real) + np.square(spectra.imag)


def _running_mean(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of ``_ENVELOPE`` neighbours in each row, edges repeated."""
    half = _ENVELOPE // 2
    padded = np.pad(rows, ((0, 0), (half + 1, half)), mode="edge")
    sums = np.cumsum(padded, axis=1, dtype=np.float32)
    means = (sums[:, _ENVELOPE:] - sums[:, :-_ENVELOPE]) / _ENVELOPE
    return means.astype(np.float32, copy=False)
