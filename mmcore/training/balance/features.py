"""Tables of stored vectors by item, and vectors made for what items do not have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmcore.errors import NothingToLearnError
from mmcore.training.balance.spec import GanSpec
from mmcore.training.balance.synthesis import LEAST, FeatureGan, mixed


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """What items have: one vector of each modality, and a label."""

    blocks: Mapping[str, Tensor]  # (n, d) float32 by modality; zeros where it is absent
    has: Tensor  # (n, m) bool, columns in the order of the blocks
    labels: Tensor  # (n,) int64; -1: none

    def take(self, rows: Tensor) -> Features:
        """The items at ``rows`` (k,) int64."""
        blocks = {name: block[rows] for name, block in self.blocks.items()}
        return Features(blocks, self.has[rows], self.labels[rows])

    def only(self, *names: str) -> Features:
        """As if the items had nothing but the modalities ``names``."""
        shown = torch.tensor([name in names for name in self.blocks])
        return replace(self, has=self.has & shown)


def filled(
    features: Features,
    how: Literal["none", "gan", "mixup"],
    seed: int,
    gan: GanSpec | None = None,
) -> Features:
    """The features with vectors made for what is missing, where something to go by is known.

    ``gan``: a generator for each modality learns it from the others (zeros where absent, and
    which are there) and the label. ``mixup``: two rows of the label's class are mixed. A modality
    that fewer than 8 items have is not made by a GAN, nor one of a class that never has it by
    mixup: those stay missing. Lengths of the made rows are as the true ones'. ``seed`` stands
    in for that of ``gan``.
    """
    if how == "none":
        return features
    blocks, has = dict(features.blocks), features.has.clone()
    for column, name in enumerate(features.blocks):
        rows, made = _made(
            features, column, how, (gan or GanSpec()).model_copy(update={"seed": seed + column})
        )
        if len(rows):
            length = features.blocks[name][features.has[:, column]].norm(dim=1).mean()
            blocks[name] = blocks[name].clone()
            blocks[name][rows] = torch.nn.functional.normalize(made, dim=1) * length
            has[rows, column] = True
    return replace(features, blocks=blocks, has=has)


def check_makeable(
    has: NDArray[np.bool_], labels: NDArray[np.int64], how: Literal["none", "gan", "mixup"]
) -> None:
    """Raise NothingToLearnError where ``filled`` would make nothing of (n, m) ``has``."""
    if how == "none" or any(_makeable(has, labels, column, how) for column in range(has.shape[1])):
        return
    source = f"{LEAST} items that have it" if how == "gan" else "a labelled item of the same class"
    raise NothingToLearnError(
        f"balance.synthesis={how} has nothing to do: no picture, text or sound is missing that"
        f" could be made from {source}; set balance.synthesis=none"
    )


def _makeable(has: NDArray[np.bool_], labels: NDArray[np.int64], column: int, how: str) -> bool:
    there = has[:, column]
    if how == "gan":
        return not there.all() and int(there.sum()) >= LEAST
    known = labels >= 0
    return bool(np.isin(labels[~there & known], labels[there & known]).any())


def _made(features: Features, column: int, how: str, spec: GanSpec) -> tuple[Tensor, Tensor]:
    """The rows that lack a modality and got a vector, and the vectors."""
    there = features.has[:, column]
    target = list(features.blocks.values())[column]
    known, labels = features.labels[there], features.labels[~there]
    absent = torch.nonzero(~there).flatten()
    if how == "mixup":
        can = torch.isin(labels, known[known >= 0])
        wanted = labels[can].numpy().astype(np.int64)
        return absent[can], mixed(target[there], known.numpy(), wanted, spec.seed)
    alone = len(features.blocks) == 1  # nothing to make it from
    if alone or int(there.sum()) < LEAST or not len(absent):
        return absent[:0], target[:0]
    others = _others(features, column)
    gan = FeatureGan.fit(others[there], target[there], known, spec)
    return absent, gan.make(others[~there], labels, spec.seed)


def _others(features: Features, column: int) -> Tensor:
    """(n, c): the other modalities' vectors side by side, and which of them are there."""
    parts = [
        block * features.has[:, place, None]
        for place, block in enumerate(features.blocks.values())
        if place != column
    ]
    shown = [features.has[:, place].float() for place in range(len(features.blocks))]
    shown.pop(column)
    return torch.cat([*parts, torch.stack(shown, dim=1)], dim=1)
