"""Batches of a dataset: in an order that seed and epoch decide, as the network reads them.

Imported where torch is at work only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from mmcore.encoders.families.towers_network import Inputs
from mmcore.encoders.families.towers_words import PADDING, Vocabulary
from mmcore.encoders.towers.texts import padded
from mmcore.training.balance.augment import Augment
from mmcore.training.balance.samplers import Balanced, ClassAware
from mmcore.training.dataset.media import MultiModalDataset
from mmcore.training.loop.scores import Places, groups_of
from mmcore.training.towers.spec import TowersSpec

_CLASSES: Final = 8  # of a batch that is aware of classes, at most

Example = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """Some items: what is there of each, its label, and which have equal captions."""

    places: Tensor  # (n,) int64 of the dataset
    inputs: Inputs
    labels: Tensor  # (n,) int64, -1: none
    groups: Tensor  # (n,) int64, equal where captions are

    def to(self, device: str) -> Batch:
        """The same on a device; places stay here."""
        return Batch(
            self.places, self.inputs.to(device), self.labels.to(device), self.groups.to(device)
        )


class _Placed(Dataset[tuple[int, Example]]):
    """A dataset whose examples say where they stand in it."""

    def __init__(self, dataset: MultiModalDataset) -> None:
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, place: int) -> tuple[int, Example]:
        return place, self.dataset[place]


class Batches:
    """The batches of a split. ``augment``: the one that the dataset was made with, if any."""

    def __init__(
        self,
        dataset: MultiModalDataset,
        vocabulary: Vocabulary,
        spec: TowersSpec,
        augment: Augment | None = None,
    ) -> None:
        self.dataset = dataset
        self.spec = spec
        self.labels = np.asarray(dataset.labels, dtype=np.int64)
        self.groups = groups_of(dataset.caption_keys)
        self._augment = augment
        self._collate = partial(
            collated, groups=self.groups, vocabulary=vocabulary, longest=spec.network.longest
        )

    @property
    def steps(self) -> int:
        """Batches of an epoch of training."""
        return len(self.order(1))

    def training(self, epoch: int) -> Iterator[Batch]:
        """Those of one epoch, from 1: all items, or as the balance has them."""
        self.dataset.set_epoch(epoch)
        if self._augment is not None:
            self._augment.set_epoch(epoch)
        return self._loaded(self.order(epoch))

    def in_order(self) -> Iterator[Batch]:
        """Each item once, in the dataset's order."""
        return self._loaded(_cut(range(len(self.dataset)), self.spec.batch_size))

    def _loaded(self, places: Sequence[Sequence[int]]) -> Iterator[Batch]:
        loader: Any = DataLoader(
            _Placed(self.dataset),
            batch_sampler=places,  # type: ignore[arg-type]  # any that can be gone through
            collate_fn=self._collate,
            num_workers=self.spec.workers,
        )
        return iter(loader)

    def order(self, epoch: int) -> list[list[int]]:
        """The places of each batch; a last one of a single item joins the one before."""
        size, seed = self.spec.batch_size, self.spec.seed
        known = np.unique(self.labels[self.labels >= 0])
        sorted_by = self.spec.classifies and len(known) > 0
        balance = self.spec.balance if sorted_by else self.spec.balance.unlabelled()
        if balance.sampling == "class-aware":
            classes = min(_CLASSES, len(known), max(2, size // 2))
            aware = ClassAware(self.labels, classes, max(1, size // classes), seed)
            aware.set_epoch(epoch)
            return list(aware)
        if balance.sampling == "balanced":
            balanced = Balanced(self.labels, seed)
            balanced.set_epoch(epoch)
            return _cut(list(balanced), size)
        order = np.random.default_rng((seed, epoch)).permutation(len(self.dataset))
        return _cut(order.tolist(), size)


def _cut(places: Sequence[int], size: int) -> list[list[int]]:
    found = [list(places[start : start + size]) for start in range(0, len(places), size)]
    if len(found) > 1 and len(found[-1]) == 1:  # nothing to tell it from
        found[-2:] = [found[-2] + found[-1]]
    return found


def collated(
    examples: Sequence[tuple[int, Example]],
    *,
    groups: Places,
    vocabulary: Vocabulary,
    longest: int,
) -> Batch:
    """Examples of the dataset as one batch; of a text its first ``longest`` words."""
    places = torch.tensor([place for place, _ in examples])
    told = [example for _, example in examples]
    rows = [vocabulary.numbers(example["text"])[:longest] for example in told]
    numbers, mask = padded(rows, PADDING)
    counts = torch.tensor([int(example["audio_samples"]) for example in told])
    samples = torch.stack([example["audio"] for example in told])
    inputs = Inputs(
        pixels=torch.stack([example["image"] for example in told]),
        words=torch.from_numpy(numbers),
        word_counts=torch.from_numpy(mask.sum(axis=1)),
        samples=samples[:, : max(1, int(counts.max()))],
        sample_counts=counts,
        has=torch.stack([torch.as_tensor(example["has"]) for example in told]),
    )
    labels = torch.tensor([int(example["label"]) for example in told])
    return Batch(places, inputs, labels, torch.from_numpy(groups)[places])
