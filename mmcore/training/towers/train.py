"""Trains the three-tower model end to end, into a folder that the preset ``towers`` loads."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mmcore.encoders.compute.device import device_of, share_cores
from mmcore.encoders.families.towers_folder import WEIGHTS, TowersConfig
from mmcore.encoders.families.towers_words import Vocabulary
from mmcore.errors import NothingToLearnError, TrainingError
from mmcore.training.loop.curves import Point
from mmcore.training.loop.folders import building, check_free
from mmcore.training.towers.card import Told, config_of, write
from mmcore.training.towers.spec import TowersSpec
from storage.schemas import digest

if TYPE_CHECKING:
    from mmcore.training.balance.augment import Augment
    from mmcore.training.dataset.media import MultiModalDataset
    from mmcore.training.towers.loop import Course

log = logging.getLogger(__name__)

Progress = Callable[[Point], None]


@dataclass(frozen=True, slots=True)
class TowersResult:
    """What a training came to. ``scores``: of the test split, empty where it has no item."""

    folder: Path
    points: tuple[Point, ...]  # one an epoch
    best_epoch: int
    scores: Mapping[str, float]
    seconds: float
    counts: Mapping[str, Any]  # by split: what the dataset says of itself


def train_retrieval_model(
    source: str | Path,
    to: Path,
    spec: TowersSpec | None = None,
    *,
    progress: Progress | None = None,
    resume: bool = False,
) -> TowersResult:
    """Train on the media of a folder or a lake; the folder ``to`` then appears whole.

    It holds ``config.json``, ``model.safetensors``, ``vocab.txt``, the curves, and a card. The
    weights are those of the best epoch on the validation split. ``progress`` is called after each
    epoch. With ``resume``, a training that was interrupted goes on from its last checkpoint, and
    gives what it would have given; where there is none, it begins. The same seed gives the same
    weights on the same machine and CPU.

    Raises ConfigError where ``to`` is taken, NothingToLearnError before any work where there are
    no pairs or no two classes, TrainingError for a loss that is no number or too little memory:
    then nothing is left.
    """
    share_cores()
    spec, started = spec or TowersSpec(), time.monotonic()
    check_free(to)
    splits, augment = _splits(source, spec)
    device = device_of(spec.device)
    vocabulary = _vocabulary(splits["train"], spec)
    classes = tuple(splits["train"].classes) if spec.classifies else ()
    config = config_of(spec, vocabulary, classes)
    with _nothing_left(to):
        course = _course(splits, (spec, config, vocabulary), (to, device), augment)
        course.learn(progress or (lambda _: None), resume=resume)
        completed = _completed(splits, course, vocabulary)
        scores = _tested(splits["test"], course, vocabulary)
    told = Told(
        spec=spec,
        items={name: len(split) for name, split in splits.items()},
        classes=classes,
        points=tuple(course.points),
        best_epoch=course.best_epoch,
        scores=scores,
        seconds=time.monotonic() - started,
        parameters=sum(one.numel() for one in course.objective.network.parameters()),
        counts={name: split.counts() for name, split in splits.items()},
        completed=completed,
    )
    _write(to, course, config, vocabulary, told)
    return TowersResult(to, told.points, told.best_epoch, scores, told.seconds, told.counts)


def _splits(source: str | Path, spec: TowersSpec) -> tuple[dict[str, MultiModalDataset], Augment]:
    """Train, validation and test; NothingToLearnError where nothing can be learnt of the first."""
    from mmcore.training.balance.augment import Augment  # noqa: PLC0415 - imports torch
    from mmcore.training.balance.features import check_makeable  # noqa: PLC0415 - as well
    from mmcore.training.dataset.learnable import check_learnable  # noqa: PLC0415 - as well
    from mmcore.training.dataset.media import MultiModalDataset  # noqa: PLC0415 - as well

    augment = Augment(spec.balance.augment, spec.seed)
    train = MultiModalDataset(source, "train", spec.dataset, transform=augment)
    if spec.contrasts:
        check_learnable(train, classes=False)
    if spec.classifies:
        try:
            check_learnable(train, classes=True)
        except NothingToLearnError as error:
            told = {label for label in train.labels.tolist() if label >= 0}
            if not len(train) or len(told) > 1:  # it is not for want of classes
                raise
            raise NothingToLearnError(
                f"{error}; or learn without classes, of pairs alone: objective=contrastive"
            ) from error
    if spec.balance.synthesis != "none":
        check_makeable(train.has, train.labels, spec.balance.synthesis)
    return {
        "train": train,
        "validation": train.of("validation"),
        "test": train.of("test"),
    }, augment


def _vocabulary(train: MultiModalDataset, spec: TowersSpec) -> Vocabulary:
    """The words of the train split alone."""
    shape = spec.network
    texts = (caption.text for of in train.texts for caption in of)
    return Vocabulary.of(texts, shape.words, shape.least, shape.dictionaries)


Made = tuple[TowersSpec, TowersConfig, Vocabulary]


def _course(
    splits: Mapping[str, MultiModalDataset],
    made: Made,
    where: tuple[Path, str],
    augment: Augment,
) -> Course:
    """The training, ready to begin: all that needs torch."""
    from mmcore.encoders.families.towers_network import Towers  # noqa: PLC0415 - imports torch
    from mmcore.training.balance.losses import class_weights  # noqa: PLC0415 - as well
    from mmcore.training.loop.seeds import seeded  # noqa: PLC0415 - as well
    from mmcore.training.towers.batches import Batches  # noqa: PLC0415 - as well
    from mmcore.training.towers.checkpoints import folder_of  # noqa: PLC0415 - as well
    from mmcore.training.towers.loop import Course  # noqa: PLC0415 - as well
    from mmcore.training.towers.objective import Objective  # noqa: PLC0415 - as well

    spec, config, vocabulary = made
    to, device = where
    with seeded(spec.seed):
        network = Towers(sizes(spec, config)).to(device)
    weights = None
    if spec.classifies and spec.balance.loss == "weighted":
        weights = class_weights(splits["train"].labels, len(config.classes)).to(device)
    validation = splits["validation"]
    return Course(
        Objective(network, spec, weights),
        Batches(splits["train"], vocabulary, spec, augment),
        Batches(validation, vocabulary, spec) if len(validation) else None,
        device,
        folder_of(to),
        _identity(spec, splits, vocabulary),
    )


def sizes(spec: TowersSpec, config: TowersConfig) -> Any:
    """The ``Sizes`` of the network that is trained: with dropout."""
    from dataclasses import replace  # noqa: PLC0415 - only here

    from mmcore.encoders.families.towers_folder import sizes_of  # noqa: PLC0415 - only here

    return replace(sizes_of(config), dropout=spec.network.dropout)


def _identity(
    spec: TowersSpec, splits: Mapping[str, MultiModalDataset], vocabulary: Vocabulary
) -> str:
    """What has to be the same for a training to go on; not where, and how fast, it computes."""
    told = spec.model_dump(mode="json", exclude={"device", "workers", "checkpoint", "licence"})
    seen = {
        name: [_seen_of(split), split.labels.tolist(), split.caption_keys]
        for name, split in splits.items()
        if name != "test"
    }
    return digest({"spec": told, "items": seen, "words": vocabulary.words})


def _seen_of(split: MultiModalDataset) -> list[list[str]]:
    """The contents and texts of each item."""
    return [
        [*(one.content_id for one in (*item.pictures, *item.sounds)), *(c.text for c in of)]
        for item, of in zip(split.items, split.texts, strict=True)
    ]


def _completed(
    splits: Mapping[str, MultiModalDataset], course: Course, vocabulary: Vocabulary
) -> dict[str, Any]:
    """Train the head of classes on with features of what is missing, where that is wanted."""
    from mmcore.training.towers.batches import Batches  # noqa: PLC0415 - imports torch
    from mmcore.training.towers.completing import complete  # noqa: PLC0415 - as well

    spec = course.objective.spec
    if spec.balance.synthesis == "none":
        return {}
    plain = Batches(splits["train"].of("train"), vocabulary, spec)  # unchanged media
    return complete(course.objective, plain, course.validation, course.device).to_json()


def _tested(test: MultiModalDataset, course: Course, vocabulary: Vocabulary) -> dict[str, float]:
    from mmcore.training.towers.batches import Batches  # noqa: PLC0415 - imports torch
    from mmcore.training.towers.measure import measured  # noqa: PLC0415 - as well

    if not len(test):
        return {}
    objective = course.objective
    batches = Batches(test, vocabulary, objective.spec)
    return measured(batches, objective.network, vocabulary, course.device)


@contextmanager
def _nothing_left(to: Path) -> Iterator[None]:
    """A training that came to nothing leaves no checkpoint; too little memory is told."""
    from mmcore.encoders.compute.batches import out_of_memory  # noqa: PLC0415 - with torch
    from mmcore.training.towers.checkpoints import folder_of, remove  # noqa: PLC0415 - as well

    try:
        yield
    except TrainingError:
        remove(folder_of(to))
        raise
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
        remove(folder_of(to))
        raise TrainingError(
            "the device has no memory for a batch: lower batch_size (or dataset.side, or"
            " dataset.seconds), or end what else uses the device; nothing is kept of this training"
        ) from error


def _write(
    to: Path, course: Course, config: TowersConfig, vocabulary: Vocabulary, told: Told
) -> None:
    """The folder appears whole, and the checkpoints go."""
    from safetensors.torch import save_file  # noqa: PLC0415 - imports torch

    from mmcore.training.towers.checkpoints import remove  # noqa: PLC0415 - as well

    state = course.objective.network.state_dict()
    with building(to) as folder:
        save_file({name: one.cpu().contiguous() for name, one in state.items()}, folder / WEIGHTS)
        write(folder, config, vocabulary, told)
    remove(course.folder)
