"""The network of ``lstm`` and ``gru``: a recurrent one over the frames of a log-mel spectrum.

Imported where torch is at work only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import torch
from torch import Tensor, nn

KINDS: Final[Mapping[str, Any]] = {"lstm": nn.LSTM, "gru": nn.GRU}

_LEAST: Final = 1e-3  # deviation of what never changes


class Recurrent(nn.Module):
    """Reads frames one after the other; ``ahead`` says what comes some frames later.

    One direction only: that is what it is trained by, and a shorter sound in a longer batch has
    the states that it has alone.
    """

    mean: Tensor
    deviation: Tensor
    centre: Tensor
    spread: Tensor

    def __init__(self, kind: str, bands: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.rnn = KINDS[kind](bands, hidden, layers, batch_first=True)
        self.ahead = nn.Linear(hidden, bands)
        self.register_buffer("mean", torch.zeros(bands))
        self.register_buffer("deviation", torch.ones(bands))
        self.register_buffer("centre", torch.zeros(2 * hidden))
        self.register_buffer("spread", torch.ones(2 * hidden))

    def settle(self, frames: Tensor) -> None:
        """Take mean and deviation of each band from (n, bands) frames."""
        self.mean.copy_(frames.mean(dim=0))
        self.deviation.copy_(frames.std(dim=0, unbiased=False).clamp(min=_LEAST))

    def scaled(self, frames: Tensor) -> Tensor:
        """Frames of which each band has mean 0 and deviation 1 over the sounds trained on."""
        return (frames - self.mean) / self.deviation

    def states(self, scaled: Tensor) -> Tensor:
        """(n, t, bands) → (n, t, hidden) of the last layer."""
        found: Tensor = self.rnn(scaled)[0]
        return found

    def pooled(self, frames: Tensor, lengths: Tensor) -> Tensor:
        """(n, t, bands), (n,) lengths → (n, 2 hidden): mean over time of states, and deviation.

        Each number is then brought to mean 0 and deviation 1 over the sounds trained on: else what
        all sounds have in common outweighs what tells them apart.
        """
        return (self._pooled(frames, lengths) - self.centre) / self.spread

    def settle_vectors(self, batches: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Take the mean and deviation of what is pooled from (frames, lengths) of all sounds."""
        found = torch.cat([self._pooled(*batch) for batch in batches])
        self.centre.copy_(found.mean(dim=0))
        self.spread.copy_(found.std(dim=0, unbiased=False).clamp(min=_LEAST))

    def _pooled(self, frames: Tensor, lengths: Tensor) -> Tensor:
        states = self.states(self.scaled(frames))
        there = torch.arange(frames.shape[1], device=frames.device)[None] < lengths[:, None]
        weights = (there / lengths[:, None])[:, :, None]
        mean = (states * weights).sum(dim=1)
        square = ((states - mean[:, None]).square() * weights).sum(dim=1)
        return torch.cat([mean, square.sqrt()], dim=1)
