"""Statistics of log-mel spectra."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from mmcore.media.sounds.features import BANDS, FLOOR, FRAMES, Bands, cepstra, logs, mel
from mmcore.media.sounds.resample import RATE

QUIET: Final = 1e-4  # loudness (rms) below which a sound is not made louder
SHORTEST: Final = RATE // 10
MODULATION: Final = (0.3, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)  # Hz, edges


def statistics(waveform: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
    """Mono samples at 16 kHz → what is typical of the sound, whatever its length and loudness.

    Per mel band: mean, deviation, 10th and 90th percentile of the log power, and deviation of its
    change; the same but the percentiles for 20 cepstra; the log power of slow modulations (six
    octaves in eight groups of bands); spectral entropy and loudness over time.
    """
    power = mel(_levelled(waveform))
    bands = logs(power)
    coefficients = cepstra(bands)
    low, high = np.quantile(bands, [0.1, 0.9], axis=1)
    found = {
        "mean": bands.mean(1),
        "std": _deviation(bands),
        "p10": low,
        "p90": high,
        "dstd": _deviation(np.diff(bands, axis=1)),
        "mfm": coefficients.mean(1),
        "mfs": _deviation(coefficients),
        "mfd": _deviation(np.diff(coefficients, axis=1)),
        "mod": _modulation(bands),
        "ent": _entropy_and_loudness(power),
    }
    return {name: values.astype(np.float32) for name, values in found.items()}


def _deviation(rows: Bands) -> Bands:
    deviation: Bands = rows.std(axis=-1, ddof=1)
    return deviation


def _levelled(waveform: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sound at one loudness, padded with silence to a tenth of a second."""
    samples = np.pad(np.asarray(waveform, np.float32), (0, max(0, SHORTEST - len(waveform))))
    loudness = np.sqrt(np.square(samples, dtype=np.float64).mean())
    levelled: NDArray[np.float32] = samples * np.float32(0.1 / max(loudness, QUIET))
    return levelled


def _modulation(bands: Bands) -> Bands:
    """(64, frames) → (48,): log power of the envelopes of eight groups of bands, per octave."""
    groups = bands.reshape(8, BANDS // 8, -1).mean(1)
    groups = groups - groups.mean(1, keepdims=True)
    groups = np.pad(groups, ((0, 0), (0, max(0, 256 - groups.shape[1]))))
    power = np.square(np.abs(np.fft.rfft(groups, axis=1)))
    rate = np.fft.rfftfreq(groups.shape[1], 1 / FRAMES)
    octaves = [
        np.log(power[:, (rate >= low) & (rate < high)].mean(1) + 1e-3)
        for low, high in pairwise(MODULATION)
    ]
    return np.stack(octaves, axis=1).ravel()


def _entropy_and_loudness(power: Bands) -> Bands:
    """(64, frames) → (4,): mean and deviation of the spectral entropy, spread of the loudness."""
    loudness = np.log(power.sum(0) + FLOOR)
    shares = power / np.maximum(power.sum(0), 1e-9)
    entropy = -(shares * np.log(shares + 1e-9)).sum(0)
    change = np.abs(np.diff(loudness)).mean()
    return np.array([entropy.mean(), _deviation(entropy), _deviation(loudness), change])
