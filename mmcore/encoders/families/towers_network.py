"""The three towers: a CNN for pictures, Embedding and GRU for words, Conv1d for the waveform.

Each gives 512 features; those lead into one joint space, and together to classes. No layer looks
at other rows of the batch (GroupNorm, LayerNorm): a picture has one vector in any batch.
Imported where torch is at work only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from mmcore.encoders.families.towers_words import PADDING

MODALITIES: Final = ("image", "text", "audio")
"""The order of the columns of what is there."""

_GROUPS: Final = 8
_KERNEL, _HOP = 400, 160  # samples at 16 kHz: 25 ms, one each 10 ms
_LOW, _HIGH = 60.0, 7600.0  # Hz of the first filters
_RATE: Final = 16_000
_FLOOR: Final = 1e-6  # of a band's power
_SHARP: Final = 100.0  # of the scale of cosines at most


@dataclass(frozen=True, slots=True)
class Sizes:
    """What decides the network's shape."""

    words: int  # numbers that words may have
    classes: int  # 0: there are none
    pictures: tuple[int, ...] = (64, 128, 256)
    embedding: int = 300
    hidden: int = 128
    sounds: tuple[int, ...] = (64, 128, 256)
    features: int = 512
    dim: int = 256
    dropout: float = 0.0


class PictureTower(nn.Module):
    """Conv2d 3 → 64 (3 × 3) and pooling … → features."""

    def __init__(self, channels: Sequence[int], features: int) -> None:
        super().__init__()
        blocks: list[nn.Module] = []
        before = 3
        for place, after in enumerate(channels):
            stride = 2 if place == 0 else 1
            blocks += [
                nn.Conv2d(before, after, 3, stride, 1, bias=False),
                nn.MaxPool2d(2, ceil_mode=True),  # first: a quarter is left to normalise
                nn.GroupNorm(math.gcd(_GROUPS, after), after),
                nn.ReLU(),
            ]
            before = after
        self.blocks = nn.Sequential(*blocks)
        self.out = nn.Linear(2 * before, features)

    def forward(self, pixels: Tensor) -> Tensor:
        """(n, 3, h, w) in 0..1 → (n, features)."""
        maps = self.blocks((pixels - 0.5) * 4)
        pooled = torch.cat([maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3))], dim=1)
        found: Tensor = self.out(pooled)
        return found


class TextTower(nn.Module):
    """Embedding(10,000 × 300) and a GRU of 128, both ways → features."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.embedding = nn.Embedding(sizes.words, sizes.embedding, padding_idx=PADDING)
        self.dropout = nn.Dropout(sizes.dropout)
        self.rnn = nn.GRU(sizes.embedding, sizes.hidden, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * sizes.hidden, sizes.features)

    def forward(self, words: Tensor, lengths: Tensor) -> Tensor:
        """(n, t) numbers, (n,) how many of them are words, at least one → (n, features).

        The mean over the words of the states, which padding is no part of.
        """
        told = self.dropout(self.embedding(words))
        lengths = lengths.cpu()
        packed = pack_padded_sequence(told, lengths, batch_first=True, enforce_sorted=False)
        states, _ = pad_packed_sequence(self.rnn(packed)[0], batch_first=True)
        pooled = states.sum(dim=1) / lengths.to(states.device)[:, None]
        found: Tensor = self.out(self.dropout(pooled))
        return found


class SoundTower(nn.Module):
    """Conv1d 1 → 64 over samples at 16 kHz and pooling … → features.

    The 64 filters begin as 32 pairs of a cosine and a sine along the mel scale (as in LEAF,
    Zeghidour et al., 2021), whose power does not depend on the phase; they are learnt as all else.
    """

    def __init__(self, channels: Sequence[int], features: int) -> None:
        super().__init__()
        self.bands = nn.Conv1d(1, channels[0], _KERNEL, _HOP, bias=False)
        with torch.no_grad():
            self.bands.weight.copy_(_filters(channels[0])[:, None])
        sizes = [channels[0] // 2, *channels[1:]]
        self.norms = nn.ModuleList(nn.LayerNorm(size) for size in sizes)
        self.convolutions = nn.ModuleList(
            nn.Conv1d(before, after, 5, 2, 2) for before, after in pairwise(sizes)
        )
        self.out = nn.Linear(2 * sizes[-1], features)

    def forward(self, samples: Tensor, lengths: Tensor) -> Tensor:
        """(n, samples), (n,) how many of them are the sound → (n, features).

        What is behind the end of a sound changes nothing.
        """
        frames, counts = self._powers(samples, lengths)
        frames = _kept(self.norms[0](frames), counts)
        for convolution, norm in zip(self.convolutions, self.norms[1:], strict=True):
            found = convolution(frames.transpose(1, 2)).transpose(1, 2)
            counts = (counts + 1) // 2
            frames = _kept(torch.relu(norm(found)), counts)
        mean = frames.sum(dim=1) / counts[:, None]
        pooled: Tensor = self.out(torch.cat([mean, frames.amax(dim=1)], dim=1))
        return pooled

    def _powers(self, samples: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """(n, t, bands) logarithms in float32, which samples need, and (n,) frames of each."""
        short = max(0, _KERNEL - samples.shape[1])
        counts = (lengths.clamp(min=_KERNEL) - _KERNEL) // _HOP + 1
        with torch.autocast(samples.device.type, enabled=False):
            there = torch.arange(samples.shape[1], device=samples.device) < lengths[:, None]
            waves = functional.pad(samples.float() * there, (0, short))
            # A convolution with such a stride is one product; as Conv1d it is five times slower
            frames = waves.unfold(1, _KERNEL, _HOP)[:, : int(counts.max())]
            heard = frames @ self.bands.weight[:, 0].T
            power = heard.view(*heard.shape[:2], -1, 2).square().sum(dim=3)
            return torch.log(power + _FLOOR), counts


def _kept(frames: Tensor, counts: Tensor) -> Tensor:
    """(n, t, c) with zeros behind the end of each: what a convolution pads with."""
    there = torch.arange(frames.shape[1], device=frames.device) < counts[:, None]
    return frames * there[:, :, None]


def _filters(count: int) -> Tensor:
    """(count, 400): pairs of cosine and sine under a Hann window, of gain 1 each."""
    mels = torch.linspace(_mel(_LOW), _mel(_HIGH), count // 2, dtype=torch.float64)
    hertz = 700.0 * (10.0 ** (mels / 2595.0) - 1.0)
    window = torch.hann_window(_KERNEL, dtype=torch.float64)
    time = torch.arange(_KERNEL, dtype=torch.float64) / _RATE
    angles = 2 * math.pi * hertz[:, None] * time
    pairs = torch.stack([angles.cos(), angles.sin()], dim=1) * window * (2 / window.sum())
    return pairs.flatten(0, 1).float()


def _mel(hertz: float) -> float:
    return 2595.0 * math.log10(1.0 + hertz / 700.0)


@dataclass(frozen=True, slots=True)
class Inputs:
    """A batch: what is there of each item, and zeros of what is not."""

    pixels: Tensor  # (n, 3, h, w) in 0..1
    words: Tensor  # (n, t) int64
    word_counts: Tensor  # (n,) int64
    samples: Tensor  # (n, s)
    sample_counts: Tensor  # (n,) int64
    has: Tensor  # (n, 3) bool, in the order of MODALITIES

    def to(self, device: str | torch.device) -> Inputs:
        """The same on a device."""
        return Inputs(*(getattr(self, name).to(device) for name in self.__slots__))


class Towers(nn.Module):
    """Three towers with one joint space, and one classifier over all that is there."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.image = PictureTower(sizes.pictures, sizes.features)
        self.text = TextTower(sizes)
        self.audio = SoundTower(sizes.sounds, sizes.features)
        self.joint = nn.ModuleDict(
            {
                name: nn.Sequential(
                    nn.LayerNorm(sizes.features), nn.Linear(sizes.features, sizes.dim)
                )
                for name in MODALITIES
            }
        )
        self.missing = nn.Parameter(0.02 * torch.randn(len(MODALITIES), sizes.features))
        self.classifier = (
            nn.Sequential(
                nn.Dropout(sizes.dropout),
                nn.Linear(len(MODALITIES) * (sizes.features + 1), sizes.classes),
            )
            if sizes.classes
            else None
        )
        self.sharpness = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.shift = nn.Parameter(torch.tensor(-10.0))

    @property
    def scale(self) -> Tensor:
        """What cosines are multiplied with in a contrastive loss."""
        return self.sharpness.clamp(max=math.log(_SHARP)).exp()

    def features(self, inputs: Inputs) -> dict[str, Tensor]:
        """(k, features) float32 of each modality, of the rows that have it, where any has."""
        found: dict[str, Tensor] = {}
        for place, name in enumerate(MODALITIES):
            rows = inputs.has[:, place].nonzero()[:, 0]
            if len(rows):
                found[name] = self._tower(name, inputs, rows).float()
        return found

    def _tower(self, name: str, inputs: Inputs, rows: Tensor) -> Tensor:
        if name == "image":
            found: Tensor = self.image(inputs.pixels[rows])
        elif name == "text":
            found = self.text(inputs.words[rows], inputs.word_counts[rows])
        else:
            found = self.audio(inputs.samples[rows], inputs.sample_counts[rows])
        return found

    def vectors(self, name: str, features: Tensor) -> Tensor:
        """(k, features) of one modality → (k, dim) unit vectors of the joint space, float32."""
        return functional.normalize(self.joint[name](features), dim=1)

    def together(self, features: Mapping[str, Tensor], has: Tensor) -> Tensor:
        """What the classifier reads: (n, 3 (features + 1)).

        Features of all modalities side by side, a learnt vector where one is not there, and which
        ones are. ``features`` has the rows that ``has`` (n, 3) says.
        """
        blocks = []
        for place, name in enumerate(MODALITIES):
            block = self.missing[place].expand(len(has), -1)
            if name in features:
                rows = has[:, place].nonzero()[:, 0]
                block = block.index_copy(0, rows, features[name].to(block.dtype))
            blocks.append(block)
        return torch.cat([*blocks, has.to(blocks[0].dtype)], dim=1)

    def logits(self, together: Tensor) -> Tensor:
        """What ``together`` gave → (n, classes) float32; ValueError where there are no classes."""
        if self.classifier is None:
            raise ValueError("the network has no classes")
        found: Tensor = self.classifier(together)
        return found
