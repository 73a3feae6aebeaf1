"""The loop: contrastive steps on pairs, a look at the validation pairs after each pass."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from mmcore.training.balance.losses import info_nce, sigmoid
from mmcore.training.finetuning.families import Joint
from mmcore.training.finetuning.metrics import scores
from mmcore.training.finetuning.pairs import Pair
from mmcore.training.finetuning.parameters import Learning
from mmcore.training.finetuning.spec import FinetuneSpec
from mmcore.training.finetuning.vectors import Embedder
from mmcore.training.loop.curves import Point
from mmcore.training.loop.stopping import Stopping, check_loss, check_weights

MOST: Final = math.log(100.0)
"""Of a logarithmic scale, where a model's own is not larger: as CLIP bounds it."""

BIAS: Final = -10.0
"""The first bias of the sigmoid loss of a model that has none (Zhai et al., 2023)."""


@dataclass(slots=True, eq=False)
class Loss:
    """The loss of a batch; its scale and bias are learnt along with the weights."""

    kind: str  # info-nce or sigmoid
    scale: nn.Parameter  # a logarithm
    bias: nn.Parameter
    most: float = field(init=False)

    def __post_init__(self) -> None:
        self.most = max(MOST, float(self.scale.detach().max()))

    @classmethod
    def of(cls, joint: Joint, spec: FinetuneSpec) -> Loss:
        """With the model's own scale and bias, which start to learn."""
        named = joint.scale
        scale = joint.model.get_parameter(named.scale).requires_grad_(True)
        if named.bias is None:
            bias = nn.Parameter(torch.tensor(BIAS, device=scale.device))
        else:
            bias = joint.model.get_parameter(named.bias).requires_grad_(True)
        usual = "info-nce" if named.bias is None else "sigmoid"
        return cls(usual if spec.objective == "auto" else spec.objective, scale, bias)

    def __call__(self, texts: Tensor, media: Tensor, keys: Sequence[str]) -> Tensor:
        """Of unit rows (n, d); items of equal ``keys`` are right for each other."""
        own = torch.from_numpy(np.unique(np.asarray(keys), return_inverse=True)[1])
        same = (own[:, None] == own[None, :]).to(texts.device)
        scale = self.scale.clamp(max=self.most).exp()
        if self.kind == "sigmoid":
            return sigmoid(texts, media, scale, self.bias, same)
        return info_nce(texts, media, 1 / scale, same)

    @property
    def parameters(self) -> list[nn.Parameter]:
        """What is learnt of it."""
        return [self.scale, self.bias] if self.kind == "sigmoid" else [self.scale]


@dataclass(slots=True, eq=False)
class Course:
    """One training. ``learn`` leaves the model with the weights of its best pass."""

    embedder: Embedder
    learning: Learning
    loss: Loss
    spec: FinetuneSpec

    def learn(
        self, train: Sequence[Pair], validation: Sequence[Pair], progress: Callable[[Point], None]
    ) -> tuple[tuple[Point, ...], int]:
        """The points, that before the training first, and the best epoch; 0 if none is better.

        With ``keep_anyway`` it is the best of those that were trained.

        Raises TrainingError for a loss, weights or vectors that are no numbers.
        """
        self._mode(training=False)
        points = [Point(0, self._validated(validation))]
        stopping = Stopping(self.spec.patience)
        if not self.spec.keep_anyway:
            stopping.better(0, points[0].values["RR"])
        best = self._kept()
        steps = self._steps(len(train))
        for epoch in range(1, self.spec.epochs + 1):
            loss = self._pass(epoch, train, steps)
            check_weights(epoch, [*self.learning.weights.values(), *self.loss.parameters])
            self._mode(training=False)
            points.append(Point(epoch, {"loss": loss, **self._validated(validation)}))
            check_loss(epoch, points[-1].values["held_out_loss"])
            progress(points[-1])
            if stopping.better(epoch, points[-1].values["RR"]):
                best = self._kept()
            if stopping.over:
                break
        self._restore(best)
        return tuple(points), stopping.epoch

    def _pass(self, epoch: int, train: Sequence[Pair], steps: _Steps) -> float:
        """One pass over the pairs; the mean loss."""
        self._mode(training=True)
        losses = []
        parts = list(_batches(len(train), self.spec, epoch))
        for number, part in enumerate(parts, start=1):
            loss = self._batch([train[place] for place in part], epoch, part)
            losses.append(float(loss.detach()))
            check_loss(epoch, losses[-1])
            torch.autograd.backward(loss / self.spec.accumulate)
            if number % self.spec.accumulate == 0 or number == len(parts):
                steps.step()
        return float(np.mean(losses))

    def _batch(self, pairs: Sequence[Pair], epoch: int, places: Sequence[int]) -> Tensor:
        """The loss of one caption and one piece of each pair, by seed, epoch and pair."""
        chosen = [
            np.random.default_rng([self.spec.seed, epoch, place]).random(3) for place in places
        ]
        texts = [_one(pair.captions, c[0]) for pair, c in zip(pairs, chosen, strict=True)]
        contents = [_one(pair.contents, c[1]) for pair, c in zip(pairs, chosen, strict=True)]
        arrays = self.embedder.inputs.all_of(contents)
        pieces = np.stack([_one(one, c[2]) for one, c in zip(arrays, chosen, strict=True)])
        media = self.embedder.media(pieces)
        return self.loss(self.embedder.texts(texts), media, [pair.key for pair in pairs])

    def _validated(self, pairs: Sequence[Pair]) -> dict[str, float]:
        """The held-out loss, of first captions in batches, and RR."""
        texts, of = self.embedder.all_texts(pairs)
        media = self.embedder.all_media(pairs)
        keys = [pair.key for pair in pairs]
        first = texts[np.unique(np.asarray(of), return_index=True)[1]]
        device = self.loss.scale.device
        losses, weights = [], []
        with torch.inference_mode():
            for start in range(0, len(pairs), self.spec.batch_size):
                part = slice(start, start + self.spec.batch_size)
                said, seen = (torch.from_numpy(one[part]).to(device) for one in (first, media))
                losses.append(float(self.loss(said, seen, keys[part])))
                weights.append(len(keys[part]))
        found = scores(texts, of, media, keys)
        return {"held_out_loss": float(np.average(losses, weights=weights)), "RR": found["RR"]}

    def _steps(self, count: int) -> _Steps:
        batches = len(list(_batches(count, self.spec, 0)))
        total = self.spec.epochs * math.ceil(batches / self.spec.accumulate)
        decayed = [one for one in self.learning.weights.values() if one.ndim > 1]
        others = [one for one in self.learning.weights.values() if one.ndim <= 1]
        groups = [
            {"params": decayed, "weight_decay": self.spec.weight_decay},
            {"params": [*others, *self.loss.parameters], "weight_decay": 0.0},
        ]
        return _Steps(torch.optim.AdamW(groups, lr=self.spec.learning_rate), total, self.spec)

    def _mode(self, *, training: bool) -> None:
        """As the model was trained; the statistics of batch norms stay those of the base."""
        model = self.embedder.joint.model.train(training)
        for one in model.modules():
            if isinstance(one, nn.modules.batchnorm._BatchNorm):
                one.eval()

    def _kept(self) -> tuple[dict[str, Tensor], list[Tensor]]:
        return self.learning.kept(), [one.detach().clone() for one in self.loss.parameters]

    def _restore(self, kept: tuple[dict[str, Tensor], list[Tensor]]) -> None:
        self.learning.restore(kept[0])
        for one, value in zip(self.loss.parameters, kept[1], strict=True):
            one.data.copy_(value)


class _Steps:
    """The optimizer, its rate rising linearly, then falling as a cosine."""

    def __init__(self, optimizer: torch.optim.Optimizer, total: int, spec: FinetuneSpec) -> None:
        warm = math.ceil(spec.warmup * total)

        def rate(step: int) -> float:
            if step < warm:
                return (step + 1) / (warm + 1)
            return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, total - warm)))

        self._optimizer = optimizer
        self._schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)

    def step(self) -> None:
        """One step with the gradients that were summed."""
        self._optimizer.step()
        self._schedule.step()
        self._optimizer.zero_grad(set_to_none=True)


def _batches(count: int, spec: FinetuneSpec, epoch: int) -> Iterator[list[int]]:
    """Places in an order of the seed and the epoch; one alone at the end is left out."""
    order = np.random.default_rng([spec.seed, epoch]).permutation(count).tolist()
    for start in range(0, count, spec.batch_size):
        part = order[start : start + spec.batch_size]
        if len(part) > 1:
            yield part


def _one(several: Sequence[Any] | Any, chance: float) -> Any:
    """One of several; ``chance`` in [0, 1)."""
    return several[int(chance * len(several))]
