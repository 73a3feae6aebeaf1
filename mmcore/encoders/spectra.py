"""Statistics of log-mel spectra; imports torch, so only encoders at work import it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from itertools import pairwise
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from mmcore.media.sounds.features import BANDS, FLOOR, FRAMES, cepstra, logs, mel
from mmcore.media.sounds.resample import RATE

QUIET: Final = 1e-4  # loudness (rms) below which a sound is not made louder
SHORTEST: Final = RATE // 10
MODULATION: Final = (0.3, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)  # Hz, edges

_lock = threading.Lock()


def statistics(waveform: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
    """Mono samples at 16 kHz → what is typical of the sound, whatever its length and loudness.

    Per mel band: mean, deviation, 10th and 90th percentile of the log power, and deviation of its
    change; the same but the percentiles for 20 cepstra; the log power of slow modulations (six
    octaves in eight groups of bands); spectral entropy and loudness over time.
    """
    with torch.inference_mode(), _lock:  # torch's threads are shared: two at once gain nothing
        power = mel(_levelled(waveform))
        bands = logs(power)
        coefficients = cepstra(bands)
        low, high = torch.quantile(bands, torch.tensor([0.1, 0.9]), dim=1)
        found = {
            "mean": bands.mean(1),
            "std": bands.std(1),
            "p10": low,
            "p90": high,
            "dstd": bands.diff(dim=1).std(1),
            "mfm": coefficients.mean(1),
            "mfs": coefficients.std(1),
            "mfd": coefficients.diff(dim=1).std(1),
            "mod": _modulation(bands),
            "ent": _entropy_and_loudness(power),
        }
        return {name: values.numpy() for name, values in found.items()}


def _levelled(waveform: NDArray[np.float32]) -> torch.Tensor:
    """The sound at one loudness, padded with silence to a tenth of a second."""
    samples = np.pad(np.asarray(waveform, np.float32), (0, max(0, SHORTEST - len(waveform))))
    # Not by torch, whose sum over a long row depends on its threads in the last bit.
    loudness = np.sqrt(np.square(samples, dtype=np.float64).mean())
    return torch.from_numpy(samples * np.float32(0.1 / max(loudness, QUIET)))


def _modulation(bands: torch.Tensor) -> torch.Tensor:
    """(64, frames) → (48,): log power of the envelopes of eight groups of bands, per octave."""
    groups = bands.reshape(8, BANDS // 8, -1).mean(1)
    groups = groups - groups.mean(1, keepdim=True)
    groups = torch.nn.functional.pad(groups, (0, max(0, 256 - groups.shape[1])))
    power = torch.fft.rfft(groups, dim=1).abs() ** 2
    rate = torch.fft.rfftfreq(groups.shape[1], 1 / FRAMES)
    octaves = [
        torch.log(power[:, (rate >= low) & (rate < high)].mean(1) + 1e-3)
        for low, high in pairwise(MODULATION)
    ]
    return torch.stack(octaves, dim=1).flatten()


def _entropy_and_loudness(power: torch.Tensor) -> torch.Tensor:
    """(64, frames) → (4,): mean and deviation of the spectral entropy, spread of the loudness."""
    loudness = (power.sum(0) + FLOOR).log()
    shares = power / power.sum(0, keepdim=True).clamp_min(1e-9)
    entropy = -(shares * (shares + 1e-9).log()).sum(0)
    change = loudness.diff().abs().mean()
    return torch.stack([entropy.mean(), entropy.std(), loudness.std(), change])
