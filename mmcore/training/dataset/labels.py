"""Labels of items: from a manifest, or from folders; pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from mmcore.errors import NothingToLearnError
from mmcore.media.manifest import ManifestRow
from mmcore.training.dataset.items import MediaItem
from mmcore.training.dataset.spec import DatasetSpec

_SHOWN: Final = 3


def labels_of(
    items: Sequence[MediaItem], splits: Collection[str], spec: DatasetSpec
) -> tuple[str | None, ...]:
    """(n,) the label of each item, the first one where it has several; None for none.

    ``splits`` are the folders at the top that are splits, and so no labels.
    """
    wanted = spec.labels
    if wanted == "none":
        return (None,) * len(items)
    if wanted == "manifest" or (wanted == "auto" and any(item.told for item in items)):
        return tuple(next(iter(item.told), None) for item in items)
    return tuple(_folder(item, splits) for item in items)


def _folder(item: MediaItem, splits: Collection[str]) -> str | None:
    below = item.folders[1:] if item.folders[:1] and item.folders[0] in splits else item.folders
    return next(iter(below), None)


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
