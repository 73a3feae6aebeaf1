"""Tombstones: keyed hashes of what was erased, so that no crawl brings it back."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from storage.errors import CorruptLakeError, KeyLostError
from storage.json_files import read_object
from storage.keys import keyed, read_key
from storage.layout import Layout
from storage.places.atomic import write_bytes
from storage.schemas import digest

_FILE: Final = "tombstones.json"


@dataclass(frozen=True, slots=True)
class Tombstones:
    """Hashes under the lake's key, by what they stand for."""

    contents: frozenset[str] = frozenset()  # erased wherever they lie
    places: frozenset[str] = frozenset()  # (root, path, content): the content stays elsewhere
    members: frozenset[str] = frozenset()  # (root, item key, content): so does the file
    paths: frozenset[str] = frozenset()  # (root, path) of what was no media and has no content

    def __bool__(self) -> bool:
        """Whether there is any."""
        return any(getattr(self, field.name) for field in fields(self))

    def __len__(self) -> int:
        return sum(len(getattr(self, field.name)) for field in fields(self))

    def __or__(self, other: Tombstones) -> Tombstones:
        return Tombstones(
            self.contents | other.contents,
            self.places | other.places,
            self.members | other.members,
            self.paths | other.paths,
        )

    def __sub__(self, other: Tombstones) -> Tombstones:
        return Tombstones(
            self.contents - other.contents,
            self.places - other.places,
            self.members - other.members,
            self.paths - other.paths,
        )

    def __and__(self, other: Tombstones) -> Tombstones:
        return self - (self - other)

    def to_json(self) -> dict[str, list[str]]:
        """The hashes, sorted."""
        return {name: sorted(hashes) for name, hashes in asdict(self).items()}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Tombstones:
        """What ``to_json`` gave; TypeError or ValueError for what it never gave."""
        return cls(**{name: frozenset(map(str, hashes)) for name, hashes in stored.items()})


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What a crawl leaves out: tombstones, and the key under which to look them up."""

    key: bytes
    tombstones: Tombstones

    def has_file(self, root: str, item: str, path: str, content: str) -> bool:
        """Whether the file at ``path``, as part of the item with the key ``item``, is left out."""
        there = self.tombstones
        return (
            (bool(there.contents) and of_content(self.key, content) in there.contents)
            or (bool(there.places) and of_place(self.key, root, path, content) in there.places)
            or (bool(there.members) and of_member(self.key, root, item, content) in there.members)
        )

    def has_path(self, root: str, path: str) -> bool:
        """Whether what lies at ``path`` and is no media is left out."""
        return bool(self.tombstones.paths) and (
            of_path(self.key, root, path) in self.tombstones.paths
        )


def of_content(key: bytes, content: str) -> str:
    """Stands for a content, wherever it lies."""
    return keyed(key, "erased content", content)


def of_place(key: bytes, root: str, path: str, content: str) -> str:
    """Stands for a content at one place."""
    return keyed(key, "erased place", root, path, content)


def of_member(key: bytes, root: str, item: str, content: str) -> str:
    """Stands for a content as part of one item."""
    return keyed(key, "erased member", root, item, content)


def of_path(key: bytes, root: str, path: str) -> str:
    """Stands for a path, whatever lies there."""
    return keyed(key, "erased path", root, path)


def read_tombstones(layout: Layout) -> Tombstones:
    """All tombstones of the lake; CorruptLakeError when they cannot be read."""
    path = layout.tombstones / _FILE
    told = read_object(path)
    try:
        return Tombstones() if told is None else Tombstones.from_json(told)
    except (ValueError, TypeError) as error:
        raise CorruptLakeError(path, f"does not hold tombstones ({error})") from error


def forgotten(layout: Layout) -> Forgotten | None:
    """What a crawl is to leave out, or None; KeyLostError where the key is lost."""
    tombstones = read_tombstones(layout)
    if not tombstones:
        return None
    key = read_key(layout)
    if key is None:
        raise KeyLostError(layout.key)
    return Forgotten(key, tombstones)


def write_tombstones(layout: Layout, tombstones: Tombstones) -> None:
    """Put ``tombstones`` in place of all that were there; hold the writer's lock."""
    write_bytes(layout.tombstones / _FILE, json.dumps(tombstones.to_json(), indent=1).encode())


def tombstones_digest(layout: Layout, less: Tombstones | None = None) -> str:
    """Hash of all tombstones: a run that saw others has not seen the same; "" for none.

    Without those of ``less``.
    """
    tombstones = read_tombstones(layout) - (less or Tombstones())
    return digest(tombstones.to_json()) if tombstones else ""


def lifted(layout: Layout, lift: Collection[Tombstones]) -> int:
    """Take tombstones away, and say how many of those were there; hold the writer's lock."""
    there, gone = read_tombstones(layout), Tombstones()
    for one in lift:
        gone |= one & there
    if gone:
        write_tombstones(layout, there - gone)
    return len(gone)
