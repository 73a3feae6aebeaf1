"""Steady noise out of sounds: spectral gating."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mmcore.media.sounds.resample import RATE, Waveform

GATE: Final = 3.5
"""Times the noise at which a band is half opened."""

SHUT: Final = 0.05
"""Amplitude that a shut band keeps, -26 dB: one that shuts wholly leaves tones of its own."""

_HOP: Final = 0.008  # seconds
_STEPS: Final = 4  # frames of 32 ms, over each sample
_QUIET: Final = 0.2  # share of the frames that are taken for noise alone
_QUIET_SHARE: Final = -np.log(1 - _QUIET)  # that quantile of a noise's power, in its mean
_NEIGHBOURS: Final = 17  # bands (0.5 kHz) whose median a steady tone does not move
_SMOOTHED: Final = (3, 5)  # bands and frames over which power is averaged
_FEWEST: Final = 50  # frames: noise cannot be told from sound in less than 0.4 s
_SILENT: Final = 1e-12  # power of a frame of nothing at all at 16 kHz


def denoised(samples: Waveform, rate: int = RATE) -> Waveform:
    """Mono samples at ``rate`` → as many, with what is steady and without pitch turned down.

    Spectral gating (Boll 1979; Sainburg et al. 2020): of each band of a short-time spectrum the
    quietest fifth of the frames tells the noise, a median over neighbouring bands keeps steady
    tones out of it, and a soft gate lowers what does not rise above it by up to 26 dB. A sound
    shorter than 0.4 s is left as it is. Frames last as long at any rate, so bands are as wide.
    """
    hop = round(_HOP * rate)
    spectrum = _spectrum(samples, hop)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    silent = _SILENT * (hop / _HOP / RATE) ** 2  # a frame's power grows with its length's square
    audible = power.sum(axis=1) > silent
    if audible.sum() < _FEWEST:
        return samples
    noise = _median(np.quantile(power[audible], _QUIET, axis=0) / _QUIET_SHARE)
    smooth = _mean(_mean(power, 0, _SMOOTHED[1]), 1, _SMOOTHED[0])
    above = smooth / np.maximum(GATE * noise, silent / (_STEPS * hop))
    gain = SHUT + (1 - SHUT) * np.square(above) / (1 + np.square(above))
    return _sound(spectrum * gain.astype(np.float32), len(samples))


def _window(width: int) -> NDArray[np.float32]:
    """The square root of a Hann window: once before and once after, it adds up to 2."""
    return np.sin(np.pi * (np.arange(width) + 0.5) / width).astype(np.float32)


def _spectrum(samples: Waveform, hop: int) -> NDArray[np.complex64]:
    """(frames, bands); the sound is framed by a window's length of silence at either end."""
    width = _STEPS * hop
    padded = np.pad(samples, (width, width + -len(samples) % hop))
    frames = sliding_window_view(padded, width)[::hop]
    return np.fft.rfft(frames * _window(width), axis=1).astype(np.complex64, copy=False)


def _sound(spectrum: NDArray[np.complex64], length: int) -> Waveform:
    """The overlapping frames added up again."""
    width = 2 * (spectrum.shape[1] - 1)
    hop = width // _STEPS
    frames = np.fft.irfft(spectrum, width, axis=1).astype(np.float32) * _window(width)
    added = np.zeros((len(frames) + _STEPS - 1, hop), dtype=np.float32)
    for step in range(_STEPS):
        added[step : step + len(frames)] += frames[:, step * hop : (step + 1) * hop]
    return added.reshape(-1)[width : width + length] * np.float32(2 / _STEPS)


def _mean(values: NDArray[np.float32], axis: int, width: int) -> NDArray[np.float32]:
    """The running mean along an axis, edges repeated."""
    pads = [(0, 0), (0, 0)]
    pads[axis] = (width // 2, width // 2)
    padded = np.pad(values, pads, mode="edge")
    mean: NDArray[np.float32] = sliding_window_view(padded, width, axis=axis).mean(axis=-1)
    return mean


def _median(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The running median over bands, but never more than the band's own."""
    padded = np.pad(values, _NEIGHBOURS // 2, mode="reflect")
    medians = np.median(sliding_window_view(padded, _NEIGHBOURS), axis=1)
    return np.minimum(medians, values).astype(np.float32)
