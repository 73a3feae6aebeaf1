"""Scores a three-tower model that was trained here, on any split of a folder or a lake."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from mmcore.encoders.compute.device import device_of
from mmcore.encoders.families.towers_folder import read_config, read_network, read_vocabulary
from mmcore.errors import ConfigError
from mmcore.training.towers.card import TRAINING
from mmcore.training.towers.spec import TowersSpec


def evaluate_retrieval_model(
    folder: str | Path,
    source: str | Path,
    split: str | None = "test",
    *,
    device: str | None = None,
) -> dict[str, float]:
    """What the model in ``folder`` is worth on a split of ``source``.

    ``accuracy`` and ``mean class accuracy`` where it has classes, and ``text→image Success@1``,
    ``@5``, ``@10`` and ``RR`` of every direction among image, text and audio; ``text:zh→image`` is
    of the captions of one language. Items are read as they were for the training, and an item of
    an equal caption is right. A label that the model has no class for does not count. ``device``:
    that of the training where it is not said.

    Raises ConfigError for a folder of something else, and for a split without an item.
    """
    from mmcore.training.dataset.media import MultiModalDataset  # noqa: PLC0415 - imports torch
    from mmcore.training.towers.batches import Batches  # noqa: PLC0415 - as well
    from mmcore.training.towers.measure import measured  # noqa: PLC0415 - as well

    folder = Path(folder)
    spec, config = read_spec(folder), read_config(folder)
    where = device_of(spec.device if device is None else device)
    vocabulary = read_vocabulary(folder, config, spec.network.dictionaries)
    dataset = MultiModalDataset(source, split, spec.dataset)
    if not len(dataset):
        raise ConfigError(f"{source}: no item is in the split {split!r}")
    dataset.labels = _renumbered(dataset.labels, dataset.classes, config.classes)
    network = read_network(folder, config).to(where)
    return measured(Batches(dataset, vocabulary, spec), network, vocabulary, where)


def read_spec(folder: Path) -> TowersSpec:
    """What the model was trained by; ConfigError where the folder does not say."""
    path = folder / TRAINING
    try:
        return TowersSpec.model_validate(json.loads(path.read_text("utf-8"))["spec"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        why = _first(error) if isinstance(error, ValidationError) else error
        raise ConfigError(f"{path}: does not say how the model was trained ({why})") from error


def _first(error: ValidationError) -> str:
    """What is wrong at first, in the words of the check that says so."""
    return error.errors()[0]["msg"].removeprefix("Value error, ")


def _renumbered(
    labels: NDArray[np.int64], names: tuple[str, ...], known: tuple[str, ...]
) -> NDArray[np.int64]:
    """Labels as places in the model's classes; -1 where it has none of that name."""
    places = [known.index(name) if name in known else -1 for name in names]
    found: NDArray[np.int64] = np.array([*places, -1], dtype=np.int64)[labels]
    return found
