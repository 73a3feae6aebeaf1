"""What a crawl leaves out: files that were erased and are still there, also as copies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from mmcore.paths import printable, storable
from mmcore.privacy import Veil
from mmcore.types import Item, MediaFile, Rejection
from storage.erasure.tombstones import Forgotten


@dataclass(frozen=True, slots=True, eq=False)
class Left:
    """What is left of a root when the forgotten is left out."""

    items: tuple[Item, ...]
    rejections: tuple[Rejection, ...]
    forgotten: int  # files, captions of manifests among them, that no item has any more


def leave_out(
    items: Iterable[Item],
    rejections: Iterable[Rejection],
    forgotten: Forgotten | None,
    veil: Veil | None,
) -> Left:
    """Take forgotten files out of items, and items out that have nothing else.

    Names are compared as the lake's tables have them: in a private lake by their hashes.
    """
    items, rejections = tuple(items), tuple(rejections)
    if forgotten is None:
        return Left(items, rejections, 0)
    pairs = [(item, _taken(item, forgotten, veil)) for item in items]
    left = tuple(now for before, now in pairs if now.files or now is before)
    refused = tuple(
        r for r in rejections if not forgotten.has_path(r.root, _path(r.root, r.path, veil))
    )
    gone = _paths(items) - _paths(left)
    return Left(left, refused, len(gone) + len(rejections) - len(refused))


def _taken(item: Item, forgotten: Forgotten, veil: Veil | None) -> Item:
    key = storable(item.key) if veil is None else veil.key(item.root, item.key)

    def stays(file: MediaFile) -> bool:
        path = _path(file.root, file.path, veil)
        return not forgotten.has_file(file.root, key, path, file.content_id)

    files = tuple(filter(stays, item.files))
    return item if len(files) == len(item.files) else replace(item, files=files)


def _path(root: str, path: str, veil: Veil | None) -> str:
    return printable(path) if veil is None else veil.path(root, path)


def _paths(items: Iterable[Item]) -> set[tuple[str, str]]:
    return {(file.root, file.path) for item in items for file in item.files}
