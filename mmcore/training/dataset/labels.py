"""Labels of items: from a manifest, or from folders; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from mmcore.errors import NothingToLearnError
from mmcore.media.manifest import ManifestRow
from mmcore.training.dataset.items import MediaItem
from mmcore.training.dataset.spec import DatasetSpec

_SHOWN: Final = 3
_SEVERAL: Final = 2


def labels_of(
    items: Sequence[MediaItem], splits: Collection[str], spec: DatasetSpec
) -> tuple[str | None, ...]:
    """(n,) the label of each item, the first one where it has several; None for none.

    ``splits`` are the folders at the top that are splits, and so no labels; nor are those of
    pictures, of texts and of sounds: a level of such folders is passed over.
    """
    wanted = spec.labels
    if wanted == "none":
        return (None,) * len(items)
    if wanted == "manifest" or (wanted == "auto" and any(item.told for item in items)):
        return tuple(next(iter(item.told), None) for item in items)
    homes = [(kind, _below(of, splits)) for item in items for kind, of in item.homes]
    level = _level(homes)
    return tuple(next(iter(_below(item.folders, splits)[level:]), None) for item in items)


def _below(folders: tuple[str, ...], splits: Collection[str]) -> tuple[str, ...]:
    return folders[1:] if folders[:1] and folders[0] in splits else folders


def _level(homes: Sequence[tuple[str, tuple[str, ...]]]) -> int:
    """The first level, from 0, that is no sorting by modality: folders of one modality each.

    ``homes``: modality and folders of each file. Folders of one modality in all, such as classes
    of pictures, are labels.
    """
    level = 0
    while True:
        found: defaultdict[str, set[str]] = defaultdict(set)
        for modality, folders in homes:
            if level < len(folders):
                found[folders[level]].add(modality)
        every = set[str]().union(*found.values())
        if len(every) < _SEVERAL or any(len(kinds) > 1 for kinds in found.values()):
            return level
        level += 1


def refuse_unknown_rows(
    manifests: Mapping[str, Sequence[ManifestRow]], paths: Collection[str]
) -> None:
    """Raise NothingToLearnError for rows that label, or put in a split, files that are not there.

    ``manifests`` by folder; ``paths`` are readable ones, also of files that cannot be used.
    """
    unknown = [
        f"{path} ({row.manifest}, line {row.line})"
        for folder, rows in sorted(manifests.items())
        for row in rows
        if (row.labels or row.split) and row.path
        if (path := f"{folder}/{row.path}" if folder else row.path) not in paths
    ]
    _refuse(unknown, "files")


def refuse_unknown_items(keys: Iterable[str]) -> None:
    """Raise NothingToLearnError where there are items that a manifest labels and nobody has."""
    _refuse(list(keys), "items")


def _refuse(unknown: Sequence[str], kind: str) -> None:
    if unknown:
        more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
        raise NothingToLearnError(
            f"a manifest labels {kind} that are not there: {', '.join(unknown[:_SHOWN])}{more};"
            " mend the paths or leave these rows out"
        )
