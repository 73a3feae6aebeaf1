"""CLAP's log-mel spectra in NumPy, as transformers' ``ClapFeatureExtractor`` has them.

Workers that decode load no torch and no transformers; tests compare the two.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from mmcore.encoders.families.lengths import filled_up
from mmcore.media.sounds.resample import Waveform

Padding = Literal["repeatpad", "repeat", "pad"]

_FLOOR: Final = 1e-10  # power
_BLOCK: Final = 16  # frames at once: of more, BLAS would spread the product over threads
_KNEE: Final = 1000.0  # hertz: below it Slaney's scale is linear, above logarithmic
_KNEE_MELS: Final = 15.0
_STEP: Final = float(np.log(6.4)) / 27.0


@dataclass(frozen=True, slots=True)
class MelRecipe:
    """How the samples of a window become CLAP's input: (``cuts``, frames, bands) decibels.

    A window that the model takes whole is one cut, shorter ones filled up by ``padding``. A longer
    one is ``cuts`` at most, all of the model's length, evenly spread over the window and
    overlapping: never a random crop. Cuts that are not there are NaN.

    ``slaney``: Slaney's scale and norm, which the library takes for the truncation "rand_trunc";
    else the HTK scale without a norm, which it takes for "fusion".
    """

    rate: int
    seconds: int
    hop: int
    fft: int
    bands: int
    low: float
    high: float
    slaney: bool
    padding: Padding
    cuts: int
    dtype = "float32"

    @property
    def most(self) -> int:
        """Samples of one cut."""
        return self.seconds * self.rate

    @property
    def frames(self) -> int:
        """Frames of one cut."""
        return 1 + self.most // self.hop

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of what ``shaped`` gives."""
        return (self.cuts, self.frames, self.bands)

    def shaped(self, samples: Waveform) -> NDArray[np.float32]:
        """Mono samples at ``rate`` → (cuts, frames, bands)."""
        return filled_up(np.stack([self._mel(cut) for cut in self._cut(samples)]), self.cuts)

    def _cut(self, samples: Waveform) -> list[Waveform]:
        """Pieces of which each has ``frames``; one of less than a hop too many is whole."""
        if len(samples) < self.most:
            return [self._filled(samples)]
        if len(samples) < self.frames * self.hop:
            return [samples]
        count = -(-len(samples) // self.most)
        starts = np.linspace(0, len(samples) - self.most, count).round().astype(int).tolist()
        return [samples[start : start + self.most] for start in starts]

    def _filled(self, samples: Waveform) -> Waveform:
        times = self.most // len(samples) if len(samples) else 1
        if self.padding == "repeat":
            return np.resize(samples, self.most)
        whole = np.tile(samples, times) if self.padding == "repeatpad" else samples
        return np.pad(whole, (0, self.most - len(whole)))

    def _mel(self, samples: Waveform) -> NDArray[np.float32]:
        """(n,) → (frames, bands): frames of a Hann window, centred, edges reflected."""
        padded = np.pad(samples, self.fft // 2, mode="reflect").astype(np.float64)
        frames = sliding_window_view(padded, self.fft)[:: self.hop]
        window, (bins, filters) = _hann(self.fft), _filters(self)
        power = np.empty((len(frames), self.bands), dtype=np.float32)
        for start in range(0, len(frames), _BLOCK):
            # In float64 as the library: float32 is off where a band is 60 dB below another
            spectrum = np.fft.rfft(frames[start : start + _BLOCK] * window, axis=1)[:, bins]
            square = np.square(spectrum.real) + np.square(spectrum.imag)
            power[start : start + _BLOCK] = square.astype(np.float32) @ filters
        found: NDArray[np.float32] = 10 * np.log10(np.maximum(power, np.float32(_FLOOR)))
        return found


@cache
def _hann(size: int) -> NDArray[np.float64]:
    """A periodic Hann window."""
    window: NDArray[np.float64] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    return window


@cache
def _filters(recipe: MelRecipe) -> tuple[slice, NDArray[np.float32]]:
    """(bins, bands): triangles, equally wide on the mel scale, over the bins that count."""
    mels, hertz = (_slaney_mels, _slaney_hertz) if recipe.slaney else (_htk_mels, _htk_hertz)
    edges = hertz(np.linspace(mels(recipe.low), mels(recipe.high), recipe.bands + 2))
    bins = np.linspace(0, recipe.rate // 2, recipe.fft // 2 + 1)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    filters = np.maximum(0.0, np.minimum(rising, falling))
    if recipe.slaney:  # each of the same area
        filters *= 2.0 / (edges[2:] - edges[:-2])
    counting = np.nonzero(filters.any(axis=1))[0]
    where = slice(int(counting[0]), int(counting[-1]) + 1)
    return where, filters[where].astype(np.float32)


def _htk_mels(hertz: float) -> float:
    return float(2595.0 * np.log10(1.0 + hertz / 700.0))


def _htk_hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = 700.0 * (10.0 ** (mels / 2595.0) - 1.0)
    return found


def _slaney_mels(hertz: float) -> float:
    if hertz < _KNEE:
        return 3.0 * hertz / 200.0
    return _KNEE_MELS + float(np.log(hertz / _KNEE)) / _STEP


def _slaney_hertz(mels: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.where(
        mels < _KNEE_MELS, 200.0 * mels / 3.0, _KNEE * np.exp(_STEP * (mels - _KNEE_MELS))
    )
    return found
