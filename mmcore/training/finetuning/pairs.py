"""Items of a folder or a lake as pairs of a medium and captions, split by caption hash."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mmcore.counting import number_of
from mmcore.errors import NothingToLearnError
from mmcore.training.dataset.examples import examples_of
from mmcore.training.dataset.items import MediaItem
from mmcore.training.dataset.spec import DatasetSpec
from mmcore.training.dataset.splits import SPLITS, TEST, TRAIN, VALIDATION
from mmcore.training.finetuning.spec import FinetuneSpec
from mmcore.types import Content
from storage.schemas import Modality

FEWEST: Final[Mapping[str, int]] = {TRAIN: 8, VALIDATION: 2, TEST: 2}
"""Different captions of a split: with fewer nothing can be learnt, or said of what was."""

_WORDS: Final = {Modality.IMAGE: "pictures", Modality.AUDIO: "sounds"}
_USES: Final = {TRAIN: "learn from", VALIDATION: "say when to stop", TEST: "judge the result by"}


@dataclass(frozen=True, slots=True)
class Pair:
    """One item: captions, and the contents of one modality that they are of."""

    key: str  # of its first caption: items with equal ones are right for each other
    captions: tuple[str, ...]
    contents: tuple[Content, ...]


@dataclass(frozen=True, slots=True)
class Pairs:
    """The pairs of each split; ``left_out``: items by why they are in none."""

    modality: Modality
    splits: Mapping[str, tuple[Pair, ...]]
    left_out: Mapping[str, int]

    @property
    def contents(self) -> Iterator[Content]:
        """All media."""
        return (one for pairs in self.splits.values() for pair in pairs for one in pair.contents)

    def kept(self, usable: Callable[[Content], bool]) -> Pairs:
        """With the contents that are usable; a pair of none is left out as unreadable."""
        splits = {
            name: tuple(found for pair in pairs if (found := _with(pair, usable)) is not None)
            for name, pairs in self.splits.items()
        }
        lost = sum(len(self.splits[name]) - len(splits[name]) for name in SPLITS)
        return Pairs(self.modality, splits, {**self.left_out, "unreadable": lost})

    def counts(self) -> dict[str, Any]:
        """Items and different captions by split, and what was left out."""
        return {
            "items": {name: len(self.splits[name]) for name in SPLITS},
            "captions": {name: len({one.key for one in self.splits[name]}) for name in SPLITS},
            "left_out": dict(self.left_out),
        }

    def check(self) -> None:
        """NothingToLearnError where a split has too few different captions."""
        for name, least in FEWEST.items():
            found = len({one.key for one in self.splits[name]})
            if found < least:
                raise NothingToLearnError(
                    f"{number_of(found, 'different caption')} of {_WORDS[self.modality]} to"
                    f" {_USES[name]}, too few: at least {least} (pairs are files of one name,"
                    " or number, such as cat.jpg and cat.txt)"
                )


def pairs_of(source: str | Path, modality: Modality, spec: FinetuneSpec) -> Pairs:
    """The items of a folder or a lake that have a caption and a medium; decodes no medium.

    Splits that a source gives count more than the hash of a caption. An item with a caption, a
    picture or a sound of two splits is dropped. Raises ConfigError, NothingToLearnError or
    SourceError as ``examples_of``.
    """
    wanted = DatasetSpec(
        held_out=spec.held_out,
        validation=spec.validation,
        labels="none",
        grouping=spec.grouping,
        manifest=spec.manifest,
    )
    examples = examples_of(source, wanted)
    found = [_pair(item, modality) for item in examples.items]
    splits = {
        name: tuple(pair for row in examples.of(name) if (pair := found[row]) is not None)
        for name in SPLITS
    }
    unpaired = sum(pair is None for pair in found)
    dropped = sum(examples.dropped.values())
    return Pairs(modality, splits, {"unpaired": unpaired, "in two splits": dropped})


def _pair(item: MediaItem, modality: Modality) -> Pair | None:
    contents = item.pictures if modality is Modality.IMAGE else item.sounds
    captions = tuple(dict.fromkeys(caption.text for caption in item.captions))
    if not (contents and captions and item.caption_key):
        return None
    return Pair(item.caption_key, captions, contents)


def _with(pair: Pair, usable: Callable[[Content], bool]) -> Pair | None:
    contents = tuple(content for content in pair.contents if usable(content))
    return Pair(pair.key, pair.captions, contents) if contents else None
