"""An item while its files and its manifest rows are gathered."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from mmcore.errors import ConfigError
from mmcore.media.manifest import ManifestRow
from mmcore.media.names import readable
from mmcore.types import Item, MediaFile
from storage.schemas import Modality, content_id


@dataclass(slots=True)
class Draft:
    """What is known so far of one item."""

    files: dict[str, MediaFile] = field(default_factory=dict)  # by path
    captions: dict[tuple[str | None, str], tuple[str, str | None]] = field(default_factory=dict)
    labels: dict[str, None] = field(default_factory=dict)
    split: str | None = None
    columns: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, files: Iterable[MediaFile]) -> Draft:
        """An item of which only files are known."""
        return cls({file.path: file for file in files})

    def add(self, *files: MediaFile) -> None:
        """Add files; the same file twice counts once."""
        for file in files:
            self.files[file.path] = file

    def describe(self, row: ManifestRow, manifest: str, place: str) -> None:
        """Take what a row says beside its file; two splits of one item are a ConfigError."""
        for caption in row.captions:
            self.captions.setdefault(caption, (manifest, row.item))
        self.labels |= dict.fromkeys(row.labels)
        if row.split and self.split and row.split != self.split:
            raise ConfigError(
                f"{place}: split {row.split!r}, but another row of this item says {self.split!r}"
            )
        self.split = self.split or row.split
        self.columns = {**row.columns, **self.columns}

    def item(self, root: str, key: str, *, private: bool = False) -> Item:
        """The finished item: files by path, captions after them; no folder's name if private."""
        files = [self.files[path] for path in sorted(self.files)]
        labels = tuple(self.labels) or (() if private else folder_label(files, key))
        captions = self._captions(root, key)
        return Item(root, key, (*files, *captions), labels, self.split, self.columns)

    def _captions(self, root: str, key: str) -> list[MediaFile]:
        found: dict[str, MediaFile] = {}
        for (language, text), (manifest, item) in self.captions.items():
            base = f"{manifest}#{item or key}/{language or 'caption'}"
            path, nth = base, 1
            while path in found:
                nth += 1
                path = f"{base}-{nth}"
            raw = text.encode()
            found[path] = MediaFile(
                root,
                path,
                content_id(raw),
                Modality.TEXT,
                "text/plain",
                len(raw),
                0,
                language,
                text,
            )
        return list(found.values())


def folder_label(files: Sequence[MediaFile], key: str) -> tuple[str, ...]:
    """Name of the first file's folder; of the one above where that folder is the item."""
    folder = readable(files[0].path).rpartition("/")[0] if files else ""
    if folder == key:
        folder = posixpath.dirname(folder)
    return _name_of(folder)


@lru_cache(maxsize=128)  # not for time: the items of a folder share one label
def _name_of(folder: str) -> tuple[str, ...]:
    return (posixpath.basename(folder),) if folder else ()
