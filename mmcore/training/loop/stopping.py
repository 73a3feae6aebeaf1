"""When to end a training: after some epochs without gain on what is held out."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mmcore.errors import TrainingError

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(slots=True)
class Stopping:
    """Keeps the best epoch; ``score`` is better when higher, so hand in a loss as its negative."""

    patience: int
    best: float = -math.inf
    epoch: int = 0  # the best one
    _waited: int = 0

    def better(self, epoch: int, score: float) -> bool:
        """Whether this epoch is the best so far; TrainingError where the score is no number."""
        if not math.isfinite(score):
            raise TrainingError(f"epoch {epoch}: the held-out score is {score}: nothing is kept")
        if score > self.best:
            self.best, self.epoch, self._waited = score, epoch, 0
            return True
        self._waited += 1
        return False

    @property
    def over(self) -> bool:
        """Whether ``patience`` epochs went by without gain."""
        return self._waited >= self.patience


def check_loss(epoch: int, loss: float) -> None:
    """Raise TrainingError for a loss that is not finite: weights after it are worth nothing."""
    if not math.isfinite(loss):
        raise TrainingError(
            f"epoch {epoch}: the loss is {loss}: take a smaller learning rate, or look for broken"
            " vectors with `mmindex snapshots verify`; nothing is kept of this training"
        )


def check_vectors(*tables: NDArray[Any]) -> None:
    """Raise TrainingError for numbers that are not finite: comparisons with NaN rank it first."""
    if not all(np.isfinite(table).all() for table in tables):
        raise TrainingError(
            "the model gives vectors that are not finite, which cannot be ranked: take a smaller"
            " learning rate, or other weights to begin with; nothing is kept of this training"
        )


def check_weights(epoch: int, weights: Iterable[Tensor]) -> None:
    """Raise TrainingError for weights that are not finite: a last step may ruin them unseen."""
    if not all(bool(one.isfinite().all()) for one in weights):
        raise TrainingError(
            f"epoch {epoch}: the weights are not finite any more: take a smaller learning rate;"
            " nothing is kept of this training"
        )
