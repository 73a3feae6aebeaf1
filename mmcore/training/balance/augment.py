"""Pictures, sounds and texts changed at random while they are learnt from."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mmcore.media.texts.words import ends
from mmcore.training.balance.spec import AugmentSpec

_WINDOW: Final = 512  # samples of a frame: 32 ms at 16 kHz
_HOP: Final = 128  # samples from one frame to the next
_MASKS: Final = 2  # of time and of frequency, as in SpecAugment's policies LD and SM


class Augment:
    """Changes one example of ``MultiModalDataset``: its picture, sound and text, as the spec says.

    Shapes, dtypes and what is there (``has``) stay. The draws depend on seed, epoch and item
    alone, so that the order and the number of workers do not matter; ``set_epoch`` gives other
    ones, in worker processes that stay too. What is absent is left alone. Tensors are never
    changed in place.
    """

    def __init__(self, spec: AugmentSpec, seed: int) -> None:
        self.spec, self.seed = spec, seed
        self._epoch = torch.zeros(1, dtype=torch.int64)
        self._epoch.share_memory_()  # type: ignore[no-untyped-call]

    def set_epoch(self, epoch: int) -> None:
        """Other changes from now on."""
        self._epoch[0] = epoch

    def __call__(self, example: dict[str, Any]) -> dict[str, Any]:
        """The example with what the spec changes; a new dict."""
        item = int(example["item"]) % 2**63
        rng = np.random.default_rng((self.seed % 2**63, int(self._epoch), item))
        changed = dict(example)
        image, text, audio = (bool(there) for there in example["has"])
        if image:
            changed["image"] = picture(example["image"], self.spec, rng)
        if text:
            changed["text"] = without_words(example["text"], self.spec.word_dropout, rng)
        if audio:
            samples = int(example["audio_samples"])
            heard = sound(example["audio"][:samples], self.spec, rng)
            changed["audio"] = torch.cat([heard, example["audio"][samples:]])
        return changed


def picture(image: Tensor, spec: AugmentSpec, rng: np.random.Generator) -> Tensor:
    """(3, height, width) in 0..1, mirrored, cropped and recoloured; of the same size.

    A crop has the picture's proportions, and is made as large as the picture (Krizhevsky et al.,
    2012, flip and crop; Howard, "Some Improvements on Deep Convolutional Neural Network Based
    Image Classification", 2013, for brightness, contrast and saturation).
    """
    if rng.random() < spec.flip:
        image = image.flip(-1)
    if spec.crop:
        image = _cropped(image, 1 - spec.crop * rng.random(), rng)
    if spec.colour:
        image = _coloured(image, 1 + spec.colour * rng.uniform(-1, 1, 3))
    return image


def _cropped(image: Tensor, share: float, rng: np.random.Generator) -> Tensor:
    """A window of ``share`` of each side, somewhere, at the picture's size."""
    height, width = image.shape[-2:]
    rows, columns = max(1, round(height * share)), max(1, round(width * share))
    top, left = rng.integers(height - rows + 1), rng.integers(width - columns + 1)
    window = image[None, :, top : top + rows, left : left + columns]
    return functional.interpolate(window, (height, width), mode="bilinear").squeeze(0)


def _coloured(image: Tensor, factors: np.ndarray[Any, Any]) -> Tensor:
    """Brightness, contrast and saturation times ``factors`` (3,), within 0..1."""
    brightness, contrast, saturation = factors.tolist()
    image = image * brightness
    image = image.mean() + (image - image.mean()) * contrast
    grey = image.mean(dim=0, keepdim=True)
    changed: Tensor = (grey + (image - grey) * saturation).clamp(0, 1)
    return changed


def sound(samples: Tensor, spec: AugmentSpec, rng: np.random.Generator) -> Tensor:
    """(n,) samples with spans of time and bands of frequency silenced, and noise added.

    SpecAugment (Park et al., Interspeech 2019) hides parts of a spectrogram; here the sound is
    led through a short-time Fourier transform and back, so that it stays a waveform: two spans
    and two bands, each of a random width up to ``spec_augment`` of the whole. A sound shorter
    than one frame is not masked. Noise is white, of ``noise`` times the sound's loudness (RMS).
    """
    if spec.spec_augment and len(samples) >= _WINDOW:
        samples = _masked(samples, spec.spec_augment, rng)
    if spec.noise and len(samples):
        loudness = float(samples.square().mean().sqrt())
        noise = torch.from_numpy(rng.standard_normal(len(samples))).to(samples)
        samples = samples + noise * (loudness * spec.noise)
    return samples


def _masked(samples: Tensor, share: float, rng: np.random.Generator) -> Tensor:
    window = torch.hann_window(_WINDOW, dtype=samples.dtype, device=samples.device)
    spectrum = torch.stft(samples, _WINDOW, _HOP, window=window, return_complex=True)
    for axis in (0, 1):  # bands, frames
        for _ in range(_MASKS):
            count = spectrum.shape[axis]
            width = int(rng.integers(int(share * count) + 1))
            start = int(rng.integers(count - width + 1))
            spectrum.narrow(axis, start, width).zero_()
    return torch.istft(spectrum, _WINDOW, _HOP, window=window, length=len(samples))


def without_words(text: str, share: float, rng: np.random.Generator) -> str:
    """``text`` with each word left out with chance ``share``; a word always stays.

    Word dropout (Iyyer et al., "Deep Unordered Composition Rivals Syntactic Methods", ACL 2015).
    Chinese words are those of jieba.
    """
    if not share:
        return text
    places = [place for place in ends(text) if not text[slice(*place)].isspace()]
    if not places:
        return text
    draws = rng.random(len(places))
    keep = draws >= min(share, draws.max())
    dropped = [place for place, kept in zip(places, keep, strict=True) if not kept]
    for start, end in reversed(dropped):
        text = text[:start] + text[end:]
    return text.strip()
