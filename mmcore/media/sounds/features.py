"""Log-mel spectra and MFCC of sounds; imports torch, so only who computes them imports it."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torchaudio.functional import create_dct, melscale_fbanks
from torchaudio.transforms import Spectrogram

from mmcore.media.sounds.resample import RATE, Waveform

BANDS: Final = 64
"""Mel bands between 50 Hz and 8 kHz."""

CEPSTRA: Final = 20

FRAMES: Final = 100
"""A second."""

FLOOR: Final = 1e-5
"""Power below which a band counts as silent."""

_WINDOW, _FFT = 400, 512  # samples: 25 ms, filled up


def log_mel(samples: Waveform) -> NDArray[np.float32]:
    """Mono samples at 16 kHz → (64, 1 + n // 160) natural logarithms of mel powers, float32.

    Frames of 25 ms (Hann), one each 10 ms, centred, edges reflected (zeros where a sound is
    shorter than half a frame); mel scale after O'Shaughnessy ("HTK"); ``FLOOR`` is added first.
    """
    with torch.inference_mode():
        found: NDArray[np.float32] = logs(mel(_tensor(samples))).numpy()
    return found


def mfcc(samples: Waveform) -> NDArray[np.float32]:
    """Mono samples at 16 kHz → (20, 1 + n // 160) cepstra: the orthonormal DCT of the log-mel."""
    with torch.inference_mode():
        found: NDArray[np.float32] = cepstra(logs(mel(_tensor(samples)))).numpy()
    return found


def mel(samples: torch.Tensor) -> torch.Tensor:
    """(n,) → (64, 1 + n // 160) powers; ``n`` above 256."""
    spectrum: torch.Tensor = _spectrum()(samples)
    return (_filters() @ spectrum.double()).float()


def logs(power: torch.Tensor) -> torch.Tensor:
    """Natural logarithms, bounded below."""
    return (power + FLOOR).log()


def cepstra(log_power: torch.Tensor) -> torch.Tensor:
    """(64, frames) log-mel → (20, frames)."""
    return (_dct() @ log_power.double()).float()


def _tensor(samples: Waveform) -> torch.Tensor:
    found = torch.from_numpy(np.array(samples, dtype=np.float32))
    half = _FFT // 2
    if len(found) > half:
        return found
    padded = torch.nn.functional.pad(found, (0, half + 1 - len(found)))
    return padded


# Products are taken in float64: in float32 their last bit depends on the number of threads.


@cache
def _spectrum() -> Spectrogram:
    return Spectrogram(n_fft=_FFT, win_length=_WINDOW, hop_length=RATE // FRAMES)


@cache
def _filters() -> torch.Tensor:
    """(64, 257)."""
    filters: torch.Tensor = melscale_fbanks(_FFT // 2 + 1, 50.0, 8000.0, BANDS, RATE)
    return filters.T.double()


@cache
def _dct() -> torch.Tensor:
    """(20, 64)."""
    basis: torch.Tensor = create_dct(CEPSTRA, BANDS, "ortho")
    return basis.T.double()
