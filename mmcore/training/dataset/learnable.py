"""What a folder or a lake has to teach, looked at before any work."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from mmcore.errors import NothingToLearnError
from mmcore.training.dataset.examples import counted, examples_of
from mmcore.training.dataset.spec import DatasetSpec

if TYPE_CHECKING:
    from mmcore.training.dataset.media import MultiModalDataset

_FEWEST: Final = 2  # pairs, classes: with one there is nothing to tell apart
_SAID: Final = {"image": "picture", "text": "text", "audio": "sound"}


def describe(source: str | Path, spec: DatasetSpec | None = None) -> dict[str, Any]:
    """What ``MultiModalDataset(source, spec=spec).counts()`` says; loads no torch."""
    examples = examples_of(source, spec or DatasetSpec())
    return counted(examples, examples.of(None))


def check_learnable(
    dataset: MultiModalDataset, *, classes: bool, modalities: Collection[str] = ()
) -> None:
    """Raise NothingToLearnError where nothing can be learnt from ``dataset``, and say what to do.

    With ``classes`` there have to be two labels, without two pairs: items with two of picture,
    text and sound, of different captions. ``modalities`` (image, text, audio) have to be there;
    any other may, unless all its files are gone. Looks at no picture and no sound.
    """
    _check_items(dataset)
    _check_modalities(dataset, modalities)
    if classes:
        _check_classes(dataset)
    else:
        _check_pairs(dataset)


def _check_items(dataset: MultiModalDataset) -> None:
    if len(dataset):
        return
    counts, split = dataset.counts(), dataset.split
    dropped = counts["dropped"].get(split, 0)
    if dropped:
        raise NothingToLearnError(
            f"{dataset.source}: all {dropped} items of the split {split!r} have a caption, a"
            " picture or a sound that an item to be tried on has too, so they would give the"
            " answers away: give the items captions and files of their own, or other splits"
        )
    every = {name: count for name, count in counts["splits"].items() if count}
    if every:
        there = ", ".join(f"{name} {count}" for name, count in every.items())
        raise NothingToLearnError(
            f"{dataset.source}: no item is in the split {split!r}; there are: {there}"
        )
    raise NothingToLearnError(
        f"{dataset.source}: no item has a picture, a text or a sound{_lost(counts)}"
    )


def _check_modalities(dataset: MultiModalDataset, needed: Collection[str]) -> None:
    counts = dataset.counts()
    for kind, count in counts["modalities"].items():
        lost = counts["missing"].get(kind, 0) + counts["unreadable"].get(kind, 0)
        if not count and (kind in needed or lost):
            raise NothingToLearnError(
                f"{dataset.source}: no item{_in(dataset)} has a {_SAID[kind]} that can be"
                f" read{_lost(counts)}"
            )


def _check_classes(dataset: MultiModalDataset) -> None:
    there = np.unique(dataset.labels[dataset.labels >= 0]).tolist()
    if not there:
        raise NothingToLearnError(
            f"{dataset.source}: no item{_in(dataset)} has a label: put the files of each class"
            " into a folder of its name, or give a manifest the column label"
        )
    if len(there) < _FEWEST:
        raise NothingToLearnError(
            f"{dataset.source}: all labelled items{_in(dataset)} are"
            f" {dataset.classes[there[0]]!r}: to tell classes apart takes items of two"
        )


def _check_pairs(dataset: MultiModalDataset) -> None:
    paired = np.flatnonzero(dataset.has.sum(axis=1) > 1).tolist()
    own = {dataset.caption_keys[place] or f"item/{dataset.keys[place]}" for place in paired}
    if len(own) >= _FEWEST:
        return
    if len(paired) >= _FEWEST:
        raise NothingToLearnError(
            f"{dataset.source}: all {len(paired)} pairs{_in(dataset)} have the same caption, so"
            " no item can be told from another: give them captions of their own"
        )
    found = "only one item" if paired else "no item"
    raise NothingToLearnError(
        f"{dataset.source}: {found}{_in(dataset)} has two of picture, text and sound"
        f" ({_tally(dataset.counts()['modalities'])}), and it takes two such items to learn what"
        " belongs together: give the files of an item one number or stem (image_1.jpg,"
        " text_1.txt), or name them in a manifest"
    )


def _in(dataset: MultiModalDataset) -> str:
    return f" of the split {dataset.split!r}" if dataset.split else ""


def _tally(modalities: Mapping[str, int]) -> str:
    return ", ".join(f"{count} with a {_SAID[kind]}" for kind, count in modalities.items())


def _lost(counts: Mapping[str, Any]) -> str:
    missing, unreadable = sum(counts["missing"].values()), sum(counts["unreadable"].values())
    if not missing + unreadable:
        return ""
    return (
        f": {missing} files are not where they were, {unreadable} could not be read; the log names"
        " them"
    )
