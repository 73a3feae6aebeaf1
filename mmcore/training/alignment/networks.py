"""Residual networks on top of a closed form; imported only when one is trained (torch).

The recipe is that of FuseMix (Vouitsis et al., CVPR 2024) at the size of a lake: frozen features,
small residual networks, a contrastive loss, pairs mixed with one share for both sides. What is new
is where they start: a network's last layer is zero at first, so that it gives the closed form's
vectors, and it reads where the closed form puts pairs that it was *not* fitted on. Else it would
learn from places far better than those of new contents.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from mmcore.encoders.features import Features
from mmcore.encoders.learned import Mlp
from mmcore.training.alignment.spec import NetworkSpec
from mmcore.training.balance import losses
from mmcore.training.balance.mixing import shared_mixup
from mmcore.training.loop.curves import Point
from mmcore.training.loop.seeds import seeded
from mmcore.training.loop.stopping import Stopping, check_loss
from mmcore.training.loop.threads import one_thread

TEXT: Final = "text"
_HELD: Final = 5  # one pair of so many decides when a member's training ends
_TEMPERATURES: Final = (0.001, 0.5)


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """The pairs of one side: row i of ``said`` is a caption of row i of ``seen``.

    ``seen`` has the closed form's vector first, then what else networks read of a cell.
    """

    said: Features  # (n, d)
    seen: Features  # (n, d + f)
    keys: NDArray[np.int64]  # (n,) equal captions have equal numbers; folds go by them


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """One member by side, TEXT among them where texts may move, and its epochs."""

    networks: Mapping[str, Mlp]
    points: tuple[Point, ...]
    epoch: int  # that was kept; 0: the closed form


class Residual(nn.Module):
    """The network that ``Mlp`` applies: the same names of tensors."""

    def __init__(self, inputs: int, dim: int, spec: NetworkSpec) -> None:
        super().__init__()
        layers = {"enter": nn.Linear(inputs, spec.hidden), "leave": nn.Linear(spec.hidden, dim)}
        for number in range(spec.blocks):
            layers[f"up{number}"] = nn.Linear(spec.hidden, spec.hidden)
            layers[f"down{number}"] = nn.Linear(spec.hidden, spec.hidden)
        self.layers = nn.ModuleDict(layers)
        self.blocks, self.dim = spec.blocks, dim
        self.dropout = nn.Dropout(spec.dropout)
        nn.init.zeros_(layers["leave"].weight)
        nn.init.zeros_(layers["leave"].bias)

    def forward(self, rows: Tensor) -> Tensor:
        """(n, inputs) → (n, dim) unit: the first ``dim`` inputs, corrected."""
        hidden = self.layers["enter"](self.dropout(rows))
        for number in range(self.blocks):
            inner = functional.relu(self.layers[f"up{number}"](_normed(hidden)))
            hidden = hidden + self.dropout(self.layers[f"down{number}"](inner))
        correction = self.layers["leave"](_normed(hidden))
        return functional.normalize(rows[:, : self.dim] + correction, dim=1)

    def plain(self) -> Mlp:
        """For NumPy."""
        state = self.layers.state_dict().items()
        return Mlp({name: tensor.numpy().copy() for name, tensor in state}, self.blocks)


class Contrast(nn.Module):
    """The loss with its learned temperature (and, of the sigmoid, its bias)."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.kind = spec.loss
        sigmoid = spec.loss == "sigmoid"
        self.log = nn.Parameter(torch.tensor(math.log(10.0 if sigmoid else spec.temperature)))
        self.bias = nn.Parameter(torch.tensor(-10.0), requires_grad=sigmoid)

    def forward(self, said: Tensor, seen: Tensor, same: Tensor) -> Tensor:
        """Of (n, d) unit rows; ``same`` (n, n): which belong together."""
        if self.kind == "sigmoid":
            return losses.sigmoid(said, seen, self.log.exp(), self.bias, same)
        return losses.info_nce(said, seen, self.log.exp().clamp(*_TEMPERATURES), same)


def train_member(
    lessons: Mapping[str, Lesson], spec: NetworkSpec, seed: int, *, texts: bool
) -> Learned:
    """Train the networks of all sides at once, and of texts, if they may move.

    A fifth of the captions, another one for each seed, is held back: the epoch that does best on
    it is kept. Raises TrainingError for a loss that is no number.
    """
    with seeded(seed), one_thread():
        nets = {
            side: Residual(lesson.seen.shape[1], lesson.said.shape[1], spec)
            for side, lesson in lessons.items()
        }
        if texts:
            dim = next(iter(lessons.values())).said.shape[1]
            nets[TEXT] = Residual(dim, dim, spec)
        return _Training(lessons, spec, seed, nets).run()


@dataclass(slots=True, eq=False)
class _Training:
    lessons: Mapping[str, Lesson]
    spec: NetworkSpec
    seed: int
    nets: Mapping[str, Residual]  # by side, and TEXT

    def run(self) -> Learned:
        loss = Contrast(self.spec)
        weights = [weight for net in self.nets.values() for weight in net.parameters()]
        decayed = {"params": weights, "weight_decay": self.spec.weight_decay}
        optimizer = torch.optim.AdamW(
            [decayed, {"params": loss.parameters(), "weight_decay": 0.0}],
            lr=self.spec.learning_rate,
        )
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, self.spec.epochs)
        stopping, points = Stopping(self.spec.patience), [self._point(0, None)]
        stopping.better(0, points[0].values["held_out_RR"])
        best = self._plain()
        for epoch in range(1, self.spec.epochs + 1):
            trained = self._epoch(epoch, loss, optimizer)
            check_loss(epoch, trained)
            schedule.step()
            points.append(self._point(epoch, trained))
            if stopping.better(epoch, points[-1].values["held_out_RR"]):
                best = self._plain()
            if stopping.over:
                break
        return Learned(best, tuple(points[1:]), stopping.epoch)

    def _epoch(self, epoch: int, loss: Contrast, optimizer: torch.optim.Optimizer) -> float:
        """One pass over all pairs that are not held back; the mean loss."""
        self._mode(training=True)
        generator = torch.Generator().manual_seed(self.seed * 100_003 + epoch)
        found = []
        for side, rows in self._batches(generator):
            lesson = self.lessons[side]
            same = _same(lesson.keys[rows])
            blocks = {"said": _tensor(lesson.said[rows]), "seen": _tensor(lesson.seen[rows])}
            mixed, _, order = shared_mixup(blocks, self.spec.mixup, generator)
            value = loss(
                self._said(mixed["said"]),
                self.nets[side](mixed["seen"]),
                same & same[order][:, order],
            )
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            found.append(float(value.detach()))
        return float(np.mean(found))

    def _batches(self, generator: torch.Generator) -> list[tuple[str, NDArray[np.int64]]]:
        """Rows of one side each, in an order that the generator decides."""
        every: list[tuple[str, NDArray[np.int64]]] = []
        for side, lesson in self.lessons.items():
            rows = np.flatnonzero(~self._held(lesson))
            order = rows[torch.randperm(len(rows), generator=generator).numpy()]
            parts = max(1, round(len(order) / self.spec.batch))
            every += [(side, part) for part in np.array_split(order, parts) if len(part) > 1]
        return [every[i] for i in torch.randperm(len(every), generator=generator).tolist()]

    def _held(self, lesson: Lesson) -> NDArray[np.bool_]:
        return np.asarray(lesson.keys % _HELD == self.seed % _HELD)

    def _said(self, rows: Tensor) -> Tensor:
        found: Tensor = self.nets[TEXT](rows) if TEXT in self.nets else rows
        return functional.normalize(found, dim=1)

    @torch.no_grad()
    def _point(self, epoch: int, trained: float | None) -> Point:
        """The mean reciprocal rank of what is held back, all sides together."""
        self._mode(training=False)
        ranks: list[Tensor] = []
        for side, lesson in self.lessons.items():
            rows = np.flatnonzero(self._held(lesson))
            said = self._said(_tensor(lesson.said[rows]))
            scores = said @ self.nets[side](_tensor(lesson.seen[rows])).T
            same = _same(lesson.keys[rows])
            ranks += [_reciprocal(scores, same), _reciprocal(scores.T, same)]
        every = torch.cat(ranks)
        values = {"held_out_RR": float(every.mean()) if len(every) else 0.0}
        return Point(epoch, values if trained is None else {"loss": trained, **values})

    def _mode(self, *, training: bool) -> None:
        for net in self.nets.values():
            net.train(training)

    def _plain(self) -> dict[str, Mlp]:
        return {side: net.plain() for side, net in self.nets.items()}


def _reciprocal(scores: Tensor, same: Tensor) -> Tensor:
    """(n,) 1 / rank of the best right column."""
    if not len(scores):
        return torch.zeros(0)
    best = scores.masked_fill(~same, -math.inf).max(dim=1, keepdim=True).values
    return 1.0 / (1 + ((scores > best) & ~same).sum(dim=1))


def _same(keys: NDArray[np.int64]) -> Tensor:
    return torch.from_numpy(keys[:, None] == keys[None])


def _normed(rows: Tensor) -> Tensor:
    return functional.layer_norm(rows, rows.shape[1:])


def _tensor(rows: Features) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(rows, dtype=np.float32))
