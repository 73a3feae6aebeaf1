"""Items of a folder or a lake with their labels and splits, and how many there are of what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from mmcore.training.dataset.folder import folder_media
from mmcore.training.dataset.items import Gathered, MediaItem
from mmcore.training.dataset.labels import labels_of
from mmcore.training.dataset.lake_media import is_lake, lake_media
from mmcore.training.dataset.spec import DatasetSpec
from mmcore.training.dataset.splits import SPLITS, divide, split_folders, without_leaks

KINDS: Final = ("image", "text", "audio")
"""The columns of ``has``."""


@dataclass(frozen=True, slots=True)
class Examples:
    """Row ``i`` is an item with its split (None: dropped, it would leak) and its label."""

    gathered: Gathered
    splits: tuple[str | None, ...]
    labels: tuple[str | None, ...]
    dropped: Mapping[str, int]  # by split: items that share a caption or a file with a later one

    @property
    def items(self) -> tuple[MediaItem, ...]:
        """All items, those that were dropped too."""
        return self.gathered.items

    @property
    def classes(self) -> tuple[str, ...]:
        """All labels, sorted."""
        return tuple(sorted({label for label in self.labels if label is not None}))

    def of(self, split: str | None) -> list[int]:
        """The rows of a split; of all, without those that were dropped, for None."""
        return [
            row for row, own in enumerate(self.splits) if own is not None and split in (None, own)
        ]


def examples_of(source: str | Path, spec: DatasetSpec) -> Examples:
    """Read a folder (a plain one, here or in a store) or a lake; decodes no picture, no sound.

    Raises ConfigError, NothingToLearnError or SourceError as ``folder_media`` and ``lake_media``.
    """
    url = str(source)
    gathered = lake_media(url) if is_lake(url) else folder_media(url, spec)
    items = gathered.items
    folders = split_folders(item.folders[0] for item in items if item.folders)
    given = [item.split or _folder(item, folders) for item in items]
    keys = [item.keys for item in items]
    splits, dropped = without_leaks(divide(given, keys, spec), [i.leaks for i in items])
    return Examples(gathered, splits, labels_of(items, folders, spec), dropped)


def _folder(item: MediaItem, splits: frozenset[str]) -> str | None:
    top = next(iter(item.folders), None)
    return top if top in splits else None


def counted(examples: Examples, rows: Sequence[int]) -> dict[str, Any]:
    """How many items ``rows`` are, and of what; ``splits`` and what is left out are of all."""
    items = [examples.items[row] for row in rows]
    labels = Counter(examples.labels[row] for row in rows)
    splits = Counter(split for split in examples.splits if split is not None)
    return {
        "items": len(items),
        "splits": {name: splits[name] for name in (*SPLITS, *sorted(set(splits) - {*SPLITS}))},
        "labels": {name: labels[name] for name in examples.classes},
        "unlabelled": labels[None],
        "modalities": {
            kind: sum(i.has[column] for i in items) for column, kind in enumerate(KINDS)
        },
        "pairs": sum(sum(item.has) > 1 for item in items),
        "dropped": dict(examples.dropped),
        "without": examples.gathered.without,
        "missing": dict(examples.gathered.missing),
        "unreadable": dict(examples.gathered.unreadable),
    }
