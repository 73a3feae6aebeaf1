"""Which snapshots are kept, and which of them serves."""

from __future__ import annotations

import re
from typing import Final

from storage import candidates
from storage.errors import FOLDER, CorruptLakeError, NoLakeError
from storage.layout import Layout
from storage.manifest import Manifest, read_manifest
from storage.places.place import holding, is_local, read_now, store_of
from storage.places.stores import probe

_NUMBER: Final = re.compile(r"[1-9][0-9]*")


def current(layout: Layout) -> int | None:
    """The number of the published snapshot; None when nothing is published.

    Raises CorruptLakeError where the pointer is damaged, or lost: there are snapshots.
    """
    try:
        return _number(layout)
    except FileNotFoundError:
        if not published(layout):
            return None
    try:
        return _number(layout)  # another process may just have published the first one
    except FileNotFoundError as error:
        raise CorruptLakeError(layout.current, "is missing") from error


def _number(layout: Layout) -> int:
    """What ``CURRENT`` says; what a store's client raises is not taken for what it holds."""
    try:
        data = read_now(layout.current)
    except IsADirectoryError as error:
        raise CorruptLakeError(layout.current, FOLDER) from error
    text = data.decode("ascii", "replace").strip()
    if not _NUMBER.fullmatch(text):
        raise CorruptLakeError(layout.current, "does not hold a number")
    return int(text)


def manifest_of(layout: Layout, number: int | None = None) -> Manifest:
    """The manifest of snapshot ``number``, or of the published one; looks at no other file.

    Raises NoLakeError when there is none, PlaceError where a store has no such bucket.
    """
    chosen = current(layout) if number is None else number
    if chosen is None and not is_local(layout.root):
        probe(*store_of(layout.root), layout.root, writing=False)  # it may have no such bucket
    if chosen is None or (number is not None and number not in published(layout)):
        raise NoLakeError(layout.root, number)
    path = layout.snapshot(chosen) / "manifest.json"
    manifest = read_manifest(path)
    if manifest.number != chosen:
        raise CorruptLakeError(path, f"is the manifest of snapshot {manifest.number}")
    return manifest


def published(layout: Layout) -> list[int]:
    """The numbers of the snapshots that are kept, ascending.

    One whose publication a killed writer did not end, which nothing was served of, is none.
    """
    found = holding(layout.snapshots, "manifest.json")
    numbers = sorted(int(p.parent.name) for p in found if p.parent.name.isdecimal())
    begun = _begun(layout) if numbers and str(numbers[-1]) != _pointer(layout) else set()
    return [number for number in numbers if number not in begun]


def _begun(layout: Layout) -> set[int | None]:
    """The numbers of candidates that are neither refused nor, what comes last, served."""
    return {candidates.number_of(layout.candidate(run)) for run in candidates.unjudged(layout)}


def _pointer(layout: Layout) -> str:
    """What ``CURRENT`` holds, as it is; "" where it is not there."""
    try:
        return read_now(layout.current).decode("ascii", "replace").strip()
    except (FileNotFoundError, IsADirectoryError):
        return ""
