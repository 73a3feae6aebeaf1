"""Classes of items from the stored vectors of what they have: shows what balancing is worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

import torch
from pydantic import Field, NonNegativeInt, PositiveInt
from torch import Tensor, nn

from mmcore.errors import NothingToLearnError
from mmcore.specs import Spec
from mmcore.training.balance.features import Features, filled
from mmcore.training.balance.losses import class_weights, mixed_classification
from mmcore.training.balance.mixing import drop_modalities, noisy, shared_mixup
from mmcore.training.balance.samplers import Balanced, ClassAware
from mmcore.training.balance.spec import BalanceSpec
from mmcore.training.balance.synthesis import Scale
from mmcore.training.loop.rates import Decay, Rate
from mmcore.training.loop.seeds import seeded
from mmcore.training.loop.stopping import check_loss
from mmcore.training.loop.threads import one_thread

_PER_CLASS: Final = 4  # rows of each class in a class-aware batch
_USED: Final = 0.5  # chance that a made vector is shown: what is missing has to be met as well


class ClassifierSpec(Spec):
    """How a classifier over stored vectors is trained."""

    directions: PositiveInt = Field(
        default=128,
        description="principal directions of a modality's vectors that are learnt from",
    )
    hidden: PositiveInt = Field(default=64, description="width of the branches")
    blocks: NonNegativeInt = Field(default=1, description="residual blocks of a branch")
    dropout: float = Field(default=0.3, ge=0, lt=1, description="chance that a number is dropped")
    epochs: PositiveInt = Field(default=40, description="passes over the rows")
    batch: PositiveInt = Field(default=32, description="rows of a step")
    rate: Rate = Field(default=1e-3, description="learning rate of AdamW, cosine to 0")
    weight_decay: Decay = Field(default=0.05, description="weight decay of AdamW")
    seed: NonNegativeInt = Field(default=0, description="decides first weights, order and draws")
    balance: BalanceSpec = BalanceSpec()


class Classifier(nn.Module):
    """A residual network for each modality, the mean over what an item has, and a layer.

    An item that has nothing gets a learned vector.
    """

    def __init__(self, dims: Mapping[str, int], classes: int, spec: ClassifierSpec) -> None:
        super().__init__()
        self.names = tuple(dims)
        self.branches = nn.ModuleDict({name: _branch(dim, spec) for name, dim in dims.items()})
        self.nothing = nn.Parameter(torch.zeros(spec.hidden))
        self.head = nn.Linear(spec.hidden, classes)

    def forward(self, blocks: Mapping[str, Tensor], has: Tensor) -> Tensor:
        """(n, classes) logits of (n, d) vectors by modality; ``has`` (n, m) bool hides some."""
        branches = [self.branches[name](blocks[name]) for name in self.names]
        shown = has.unsqueeze(2).to(branches[0])
        count = shown.sum(dim=1)
        mean = (torch.stack(branches, dim=1) * shown).sum(dim=1) / count.clamp_min(1)
        logits: Tensor = self.head(torch.where(count > 0, mean, self.nothing))
        return logits


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A trained classifier with the scale of its input."""

    network: Classifier
    scales: Mapping[str, Scale]

    def logits(self, features: Features) -> Tensor:
        """(n, classes) logits of features in the order of the classes fitted on."""
        with torch.no_grad():
            found: Tensor = self.network(_scaled(features, self.scales).blocks, features.has)
        return found


def fit_classifier(features: Features, classes: int, spec: ClassifierSpec) -> Fitted:
    """Train on the labelled rows, balanced as ``spec.balance`` says; the seed decides all.

    Raises NothingToLearnError where fewer than two classes have rows, TrainingError where the
    loss is no number.
    """
    features = features.take(torch.nonzero(features.labels >= 0).flatten())
    found = len(set(features.labels.tolist()))
    if found < 2:  # noqa: PLR2004
        raise NothingToLearnError(
            f"the labelled items are of {found} classes, and a classifier needs two: label more"
        )
    made = filled(features, spec.balance.synthesis, spec.seed)
    with seeded(spec.seed), one_thread():
        scales = _scales(features, spec.directions)
        scaled = _scaled(made, scales)
        dims = {name: block.shape[1] for name, block in scaled.blocks.items()}
        network = Classifier(dims, classes, spec)
        _train(network, scaled, (features.has, classes), spec)
    return Fitted(network.eval(), scales)


def _branch(dim: int, spec: ClassifierSpec) -> nn.Module:
    blocks = [_Residual(spec) for _ in range(spec.blocks)]
    first = nn.Linear(dim, spec.hidden)
    return nn.Sequential(nn.Dropout(spec.dropout), first, *blocks, nn.LayerNorm(spec.hidden))


class _Residual(nn.Module):
    def __init__(self, spec: ClassifierSpec) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            nn.LayerNorm(spec.hidden),
            nn.Linear(spec.hidden, 2 * spec.hidden),
            nn.GELU(),
            nn.Dropout(spec.dropout),
            nn.Linear(2 * spec.hidden, spec.hidden),
        )

    def forward(self, rows: Tensor) -> Tensor:
        changed: Tensor = rows + self.inner(rows)
        return changed


def _scales(features: Features, directions: int) -> dict[str, Scale]:
    """How each modality's vectors are scaled: by the items that have it."""
    found = {}
    for column, (name, block) in enumerate(features.blocks.items()):
        rows = block[features.has[:, column]]
        found[name] = Scale.of(rows if len(rows) else torch.zeros(1, block.shape[1]), directions)
    return found


def _scaled(features: Features, scales: Mapping[str, Scale]) -> Features:
    blocks = {name: scales[name].to(block) for name, block in features.blocks.items()}
    return replace(features, blocks=blocks)


def _train(
    network: Classifier, features: Features, true: tuple[Tensor, int], spec: ClassifierSpec
) -> None:
    """All epochs; ``true`` has what is really there (n, m), and the number of classes."""
    has, classes = true
    draws = torch.Generator().manual_seed(spec.seed)
    weights = class_weights(features.labels.numpy(), classes)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=spec.rate, weight_decay=spec.weight_decay
    )
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, spec.epochs)
    order = _Order(features.labels, spec)
    for epoch in range(1, spec.epochs + 1):
        for rows in order.batches(epoch):
            shown = _shown(features.has[rows], has[rows], draws)
            batch = Features(features.take(rows).blocks, shown, features.labels[rows])
            loss = _loss(network, batch, (weights, draws), spec.balance)
            check_loss(epoch, loss.item())
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        schedule.step()


def _loss(
    network: Classifier,
    batch: Features,
    given: tuple[Tensor, torch.Generator],
    balance: BalanceSpec,
) -> Tensor:
    """The loss of a batch: noise, hidden modalities, mixing, then the labels' loss."""
    weights, draws = given
    blocks = dict(batch.blocks)
    if balance.augment.feature_noise:
        share = balance.augment.feature_noise
        blocks = {name: noisy(block, share, draws) for name, block in blocks.items()}
    has = drop_modalities(batch.has, balance.modality_dropout, draws)
    mixed, lam, order = shared_mixup(blocks, balance.mixup, draws)
    both = has & has[order]  # one that only one of the two has stays as it is
    for column, name in enumerate(blocks):
        blocks[name] = torch.where(both[:, column, None], mixed[name], blocks[name])
    labels = (batch.labels, batch.labels[order])
    return mixed_classification(network(blocks, has), labels, lam, balance, weights)


def _shown(filled_in: Tensor, true: Tensor, draws: torch.Generator) -> Tensor:
    """What is really there, and some of what was made."""
    return true | (filled_in & (torch.rand(true.shape, generator=draws) < _USED))


class _Order:
    """The rows of each batch, by the sampling that the spec says."""

    def __init__(self, labels: Tensor, spec: ClassifierSpec) -> None:
        self.count, self.batch, self.sampler = len(labels), spec.batch, _sampler(labels, spec)

    def batches(self, epoch: int) -> Iterator[Tensor]:
        """(rows,) int64 of one epoch's batches."""
        if self.sampler is not None:
            self.sampler.set_epoch(epoch)
        if isinstance(self.sampler, ClassAware):
            yield from (torch.tensor(rows) for rows in self.sampler)
        else:
            order = torch.randperm(self.count) if self.sampler is None else list(self.sampler)
            yield from torch.split(torch.as_tensor(order), self.batch)


def _sampler(labels: Tensor, spec: ClassifierSpec) -> Balanced | ClassAware | None:
    known = labels.numpy()
    if spec.balance.sampling == "balanced":
        return Balanced(known, spec.seed)
    if spec.balance.sampling == "class-aware":
        return ClassAware(known, max(1, spec.batch // _PER_CLASS), _PER_CLASS, spec.seed)
    return None
