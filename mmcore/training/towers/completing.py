"""The head of classes trained further, with features made for what items do not have.

Towers have no features before they are trained; so they are trained first, on what is there, and
stay as they are here. Imported where torch is at work only.
"""

from __future__ import annotations

import copy
import logging
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn.utils import clip_grad_norm_

from mmcore.encoders.families.towers_network import MODALITIES, Towers
from mmcore.training.balance.features import Features, filled
from mmcore.training.loop.scores import accuracies
from mmcore.training.loop.seeds import seeded
from mmcore.training.loop.stopping import Stopping, check_loss, check_weights
from mmcore.training.towers.batches import Batches
from mmcore.training.towers.objective import Objective

log = logging.getLogger(__name__)

EPOCHS: Final = 20
"""Passes over the features; they cost little beside one over the media."""
_USED: Final = 0.5  # chance that made features are shown: what is missing has to be met as well
_DRAWS: Final = 2**31  # seeds behind those of the towers' epochs


@dataclass(frozen=True, slots=True)
class Completed:
    """What came of it: ``epoch`` is the one whose head is kept, 0 for the head as it was."""

    made: Mapping[str, int]  # by modality: items that got features
    epoch: int

    def to_json(self) -> dict[str, Any]:
        """As ``training.json`` has it."""
        return asdict(self)


def complete(
    objective: Objective, training: Batches, validation: Batches | None, device: str
) -> Completed:
    """Train the head of classes on features of both kinds, in place; the towers do not change.

    ``training`` has the items as they are, without augmentation. What the balance says of
    sampling, loss, mixup, noise and hidden modalities holds here too. Of the heads of all epochs,
    and the one before, that is kept which tells most classes of ``validation``; the last one
    where that has no label. The same seed gives the same head on the same machine and CPU. Raises
    TrainingError for a loss or weights that are no numbers.
    """
    spec = objective.spec
    found = features_of(training, objective.network, device)
    whole = filled(found, spec.balance.synthesis, spec.seed)
    gained = (whole.has & ~found.has).sum(dim=0).tolist()
    made = {name: count for name, count in zip(MODALITIES, gained, strict=True) if count}
    asked = features_of(validation, objective.network, device) if validation else None
    if asked is not None and not bool((asked.labels >= 0).any()):
        asked = None
    head = _Head(objective, device, found.has, whole)
    with seeded(spec.seed + _DRAWS):
        epoch = head.learn(training, asked)
    log.info("features made for what is missing: %s; head of epoch %d kept", made, epoch)
    return Completed(made, epoch)


def features_of(batches: Batches, network: Towers, device: str) -> Features:
    """What the towers make of each item of a split, in the dataset's order, on the CPU."""
    count, width = len(batches.dataset), network.missing.shape[1]
    blocks = {name: torch.zeros(count, width) for name in MODALITIES}
    has = torch.zeros(count, len(MODALITIES), dtype=torch.bool)
    network.eval()
    with torch.no_grad():
        for batch in batches.in_order():
            has[batch.places] = batch.inputs.has
            for name, rows in network.features(batch.inputs.to(device)).items():
                own = batch.inputs.has[:, MODALITIES.index(name)]
                blocks[name][batch.places[own]] = rows.cpu()
    return Features(blocks, has, torch.from_numpy(batches.labels))


@dataclass(frozen=True, slots=True)
class _Head:
    """The head of classes and what it learns from; ``true`` (n, 3) is what is really there."""

    objective: Objective
    device: str
    true: Tensor
    whole: Features

    def learn(self, training: Batches, asked: Features | None) -> int:
        """All epochs; the number of the one whose head is kept."""
        spec, layer = self.objective.spec, self._layer
        optimiser = torch.optim.AdamW(
            layer.parameters(), lr=spec.rate, weight_decay=spec.weight_decay
        )
        chance = torch.Generator().manual_seed(spec.seed + _DRAWS)
        kept, best = Stopping(EPOCHS), copy.deepcopy(layer.state_dict())
        if asked is not None:
            kept.better(0, self._score(asked))
        for epoch in range(1, EPOCHS + 1):
            optimiser.param_groups[0]["lr"] = _rate(epoch, spec.rate)
            self._pass(epoch, training.order(spec.epochs + epoch), optimiser, chance)
            check_weights(epoch, layer.parameters())
            if asked is not None and kept.better(epoch, self._score(asked)):
                best = copy.deepcopy(layer.state_dict())
        if asked is None:
            return EPOCHS
        layer.load_state_dict(best)
        return kept.epoch

    @property
    def _layer(self) -> torch.nn.Module:
        layer = self.objective.network.classifier
        if layer is None:
            raise ValueError("the network has no classes")
        return layer

    def _pass(
        self,
        epoch: int,
        order: list[list[int]],
        optimiser: torch.optim.Optimizer,
        chance: torch.Generator,
    ) -> None:
        self._layer.train()
        for places in order:
            rows = torch.tensor(places)
            made = self.whole.has[rows] & (torch.rand(len(rows), 3, generator=chance) < _USED)
            shown = Features(
                self.whole.take(rows).blocks, self.true[rows] | made, self.whole.labels[rows]
            )
            features, has, labels = _told(shown, self.device)
            loss = self.objective.classes(features, has, labels, chance)
            check_loss(epoch, float(loss.detach()))
            self.objective.network.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            clip_grad_norm_(self._layer.parameters(), self.objective.spec.clip)
            optimiser.step()

    def _score(self, asked: Features) -> float:
        """The mean class accuracy of what is really there."""
        network = self.objective.network.eval()
        features, has, labels = _told(asked, self.device)
        with torch.no_grad():
            classes = network.logits(network.together(features, has)).argmax(dim=1)
        found = accuracies(classes.cpu().numpy(), labels.cpu().numpy())
        return found["mean class accuracy"]


def _told(features: Features, device: str) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """Features of the rows that have them, as ``Towers.features`` gives them; has; labels."""
    rows = {
        name: features.blocks[name][features.has[:, place]].to(device)
        for place, name in enumerate(MODALITIES)
        if bool(features.has[:, place].any())
    }
    return rows, features.has.to(device), features.labels.to(device)


def _rate(epoch: int, highest: float) -> float:
    """Half a cosine from the highest rate, in the first epoch, towards 0."""
    return highest * 0.5 * (1 + math.cos(math.pi * (epoch - 1) / EPOCHS))
