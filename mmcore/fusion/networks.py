"""The networks of learned fusions. Imports torch: loaded when one is trained or applied."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import pairwise
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from mmcore.errors import ConfigError
from storage.schemas import MODALITIES

COUNT: Final = len(MODALITIES)


class FusionNetwork(nn.Module, ABC):
    """Shares of the present modalities, and what is added to their weighted mean.

    fused = unit(Σ share·vector + gate·unit(addition)). The addition goes where one modality is
    alone, so that its vector stays as it is. All of it starts as the plain mean: shares alike, and
    a gate of 0 (as in ReZero, Bachlechner et al., 2020).
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim
        self.gate = nn.Parameter(torch.zeros(1))

    @abstractmethod
    def parts(self, vectors: Tensor, has: Tensor) -> tuple[Tensor, Tensor]:
        """(n, 4) logits of the shares and (n, d) the addition's direction, of any length."""

    def forward(self, vectors: Tensor, has: Tensor) -> tuple[Tensor, Tensor]:
        """(n, 4, d) with zeros where absent, (n, 4) bool → (n, d), not unit yet; (n, 4) shares."""
        logits, added = self.parts(vectors, has)
        weights = logits.masked_fill(~has, -torch.inf).softmax(dim=1)
        several = (has.sum(dim=1, keepdim=True) > 1).to(vectors)
        added = functional.normalize(added, dim=1) * self.gate * several
        return torch.einsum("nm,nmd->nd", weights, vectors) + added, weights


class Mlp(FusionNetwork):
    """Vectors side by side, with what is there as 0 and 1 → hidden layers → shares, addition."""

    def __init__(
        self, dim: int, hidden: tuple[int, ...] = (512, 256), dropout: float = 0.0
    ) -> None:
        super().__init__(dim)
        widths = [COUNT * dim + COUNT, *hidden]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Linear(before, after), nn.GELU(), nn.Dropout(dropout)]
        self.body = nn.Sequential(*layers)
        self.shares = _silent(widths[-1], COUNT)
        self.addition = nn.Linear(widths[-1], dim)

    def parts(self, vectors: Tensor, has: Tensor) -> tuple[Tensor, Tensor]:
        """See FusionNetwork."""
        inner = self.body(torch.cat([vectors.flatten(1), has.to(vectors)], dim=1))
        return self.shares(inner), self.addition(inner)


class Attention(FusionNetwork):
    """A token for each modality, a learned one where it is absent, through a small Transformer.

    Each token says how much its modality counts; the mean of the tokens gives the addition.
    """

    def __init__(
        self, dim: int, width: int = 128, heads: int = 4, layers: int = 1, dropout: float = 0.0
    ) -> None:
        super().__init__(dim)
        self.enter = nn.Linear(dim, width)
        self.kinds = nn.Parameter(torch.empty(COUNT, width).normal_(std=0.02))
        self.missing = nn.Parameter(torch.empty(COUNT, width).normal_(std=0.02))
        layer = nn.TransformerEncoderLayer(
            width, heads, 2 * width, dropout, "gelu", batch_first=True, norm_first=True
        )
        self.body = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.shares = _silent(width, 1)
        self.addition = nn.Linear(width, dim)

    def parts(self, vectors: Tensor, has: Tensor) -> tuple[Tensor, Tensor]:
        """See FusionNetwork."""
        tokens = torch.where(has[:, :, None], self.enter(vectors), self.missing) + self.kinds
        inner = self.body(tokens)
        return self.shares(inner).squeeze(2), self.addition(inner.mean(dim=1))


def _silent(width: int, out: int) -> nn.Linear:
    """A layer that says 0 until it is trained."""
    layer = nn.Linear(width, out)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def network_of(kind: str, told: dict[str, Any]) -> FusionNetwork:
    """The network of an architecture, as a model's record has it; untrained.

    ConfigError for one that this mmindex does not know.
    """
    try:
        if kind == "mlp":
            return Mlp(told["dim"], tuple(told["hidden"]), told["dropout"])
        if kind == "attention":
            sizes = (told["width"], told["heads"], told["layers"])
            return Attention(told["dim"], *sizes, told["dropout"])
    except (
        KeyError,
        TypeError,
        ValueError,
        AssertionError,
        RuntimeError,
        ArithmeticError,
    ) as error:
        raise ConfigError(f"a fusion {kind} that cannot be made: {error!r} in {told}") from error
    raise ConfigError(f"no network of a fusion is called {kind!r}: known are mlp and attention")
