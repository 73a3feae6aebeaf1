"""What the towers are trained by: classes of items, and what belongs together.

Imported where torch is at work only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from mmcore.encoders.families.towers_network import MODALITIES, Towers
from mmcore.training.balance import losses
from mmcore.training.balance.mixing import drop_modalities, noisy, shared_mixup
from mmcore.training.towers.batches import Batch
from mmcore.training.towers.spec import TowersSpec

Features = Mapping[str, Tensor]


@dataclass(frozen=True, slots=True)
class Objective:
    """The loss of a batch. ``weights``: (classes,), where rare classes weigh more."""

    network: Towers
    spec: TowersSpec
    weights: Tensor | None = None

    def loss(self, batch: Batch, features: Features, chance: torch.Generator | None) -> Tensor:
        """Of what the towers make of a batch; a scalar that has a gradient.

        ``chance`` decides what is mixed and hidden while it is learnt from; None: nothing is.
        """
        features = self._noisy(features, chance)
        total = sum(rows.sum() for rows in features.values()) * 0.0 + self.network.shift * 0.0
        if self.spec.contrasts:
            total = total + self._pairs(batch, features, chance)
        if self.spec.classifies:
            weight = self.spec.classification_weight
            total = total + weight * self._labelled(
                features, batch.inputs.has, batch.labels, chance
            )
        return total

    def classes(
        self, features: Features, has: Tensor, labels: Tensor, chance: torch.Generator | None
    ) -> Tensor:
        """Of (n,) labels alone; ``features`` has the rows that ``has`` (n, 3) says."""
        return self._labelled(self._noisy(features, chance), has, labels, chance)

    def _noisy(self, features: Features, chance: torch.Generator | None) -> Features:
        share = self.spec.balance.augment.feature_noise
        if chance is None or not share:
            return features
        return {name: noisy(rows, share, chance) for name, rows in features.items()}

    def _labelled(
        self, features: Features, has: Tensor, labels: Tensor, chance: torch.Generator | None
    ) -> Tensor:
        """Of labels; with mixup, of two labels in the shares that rows were mixed in."""
        balance = self.spec.balance
        if chance is not None and balance.modality_dropout:
            kept = drop_modalities(has, balance.modality_dropout, chance)
            features, has = _hidden(features, has, kept), kept
        rows = self.network.together(features, has)
        if chance is None or not balance.mixup:
            return self._classified(rows, labels)
        mixed, share, others = shared_mixup({"rows": rows}, balance.mixup, chance)
        one = self._classified(mixed["rows"], labels)
        other = self._classified(mixed["rows"], labels[others.to(labels.device)])
        return share * one + (1 - share) * other

    def _classified(self, rows: Tensor, labels: Tensor) -> Tensor:
        return losses.classification(
            self.network.logits(rows), labels, self.spec.balance, self.weights
        )

    def _pairs(self, batch: Batch, features: Features, chance: torch.Generator | None) -> Tensor:
        """Of each two modalities that items have, by how many do."""
        total, count = self.network.shift * 0.0, 0
        for one, other in combinations(features, 2):
            both = batch.inputs.has[:, MODALITIES.index(one)]
            both = both & batch.inputs.has[:, MODALITIES.index(other)]
            number = int(both.sum())
            if number > 1:
                blocks = {name: _rows(features, batch, name, both) for name in (one, other)}
                total = total + number * self._contrast(blocks, batch.groups[both], chance)
                count += number
        return total / max(1, count)

    def _contrast(
        self, blocks: dict[str, Tensor], groups: Tensor, chance: torch.Generator | None
    ) -> Tensor:
        same = groups[:, None] == groups[None]
        if chance is not None and self.spec.balance.mixup:
            blocks, _, order = shared_mixup(blocks, self.spec.balance.mixup, chance)
            partners = groups[order.to(groups.device)]
            same = same & (partners[:, None] == partners[None])
        a, b = (self.network.vectors(name, rows) for name, rows in blocks.items())
        if self.spec.contrast == "sigmoid":
            return losses.sigmoid(a, b, self.network.scale, self.network.shift, same)
        return losses.info_nce(a, b, 1 / self.network.scale, same)


def _rows(features: Features, batch: Batch, name: str, wanted: Tensor) -> Tensor:
    """The features of the ``wanted`` items, which have that modality."""
    has = batch.inputs.has[:, MODALITIES.index(name)]
    return features[name][wanted[has]]


def _hidden(features: Features, has: Tensor, kept: Tensor) -> dict[str, Tensor]:
    """The features of what is ``kept`` of what was there."""
    found = {}
    for name, rows in features.items():
        place = MODALITIES.index(name)
        found[name] = rows[kept[:, place][has[:, place]]]
    return found
