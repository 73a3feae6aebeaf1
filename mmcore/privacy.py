"""What a private lake keeps of names and texts: keyed hashes; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final

from mmcore.types import Content, Item, MediaFile, Rejection, Source

Hide = Callable[..., str]
"""Strings → their hash under the lake's key (``storage.keys.keyed``)."""

ALIAS_DIGITS: Final = 12


@dataclass(frozen=True, slots=True, eq=False)
class Veil:
    """Hides names under one lake's key; equal names have equal hashes, in this lake alone."""

    hide: Hide

    def path(self, root: str, path: str) -> str:
        """What stands for a path below a root: 32 hex digits."""
        return self.hide("path", root, path)

    def key(self, root: str, key: str) -> str:
        """What stands for an item's key."""
        return self.hide("item", root, key)

    def caption(self, key: str) -> str:
        """What stands for a caption's key; "" (nothing that could be equal) stays."""
        return self.hide("caption", key) if key else ""

    def source(self, source: Source, folder: str) -> Source:
        """The root under an alias that does not tell ``folder``, its name; others are kept."""
        return replace(source, alias=self.alias(folder)) if source.alias == folder else source

    def alias(self, folder: str) -> str:
        """What stands for an alias that is the name of the root's folder."""
        return self.hide("alias", folder)[:ALIAS_DIGITS]

    def url(self, url: str) -> str:
        """What stands for where a root lies."""
        return self.hide("url", url)

    def mounts(self, mounts: Iterable[str]) -> tuple[str, ...]:
        """What stands for mount points."""
        return tuple(self.hide("mount", mount) for mount in mounts)

    def placed(self, source: Source) -> Source:
        """The root, with what stands for where it lies."""
        return replace(source, url=self.url(source.url))

    def content(self, content: Content) -> Content:
        """The content under a hashed path; where it can be read stays, for this run alone."""
        return replace(content, path=self.path(content.root, content.path))

    def file(self, file: MediaFile) -> MediaFile:
        """The file under a hashed path; a caption keeps its text, which no table of files has."""
        return replace(file, path=self.path(file.root, file.path))

    def item(self, item: Item) -> Item:
        """The item under a hashed key, which its id is then made of."""
        key = self.key(item.root, item.key)
        return replace(item, key=key, files=tuple(map(self.file, item.files)))

    def rejection(self, rejection: Rejection) -> Rejection:
        """The rejection under a hashed path and without its message, which may quote the file."""
        path = self.path(rejection.root, rejection.path)
        return untold(replace(rejection, path=path))

    def known(self, files: Mapping[str, MediaFile], root: str) -> Mapping[str, MediaFile]:
        """``files``, by hashed path, to be asked by real path; what it gives has the real path."""
        return _Known(self, files, root)


def untold(rejection: Rejection) -> Rejection:
    """The rejection without its message: decoders quote names and what they read."""
    return replace(rejection, message="")


@dataclass(frozen=True, slots=True, eq=False)
class _Known(Mapping[str, MediaFile]):
    """Files that are kept by hashed path, asked for by real ones; only hashes can be listed."""

    veil: Veil
    files: Mapping[str, MediaFile]
    root: str

    def __getitem__(self, path: str) -> MediaFile:
        return replace(self.files[self.veil.path(self.root, path)], path=path)

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)
