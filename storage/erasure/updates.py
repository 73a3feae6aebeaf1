"""Indexes that were updated: they may hold rows that went, which no table of rows names."""

from __future__ import annotations

from storage.errors import CorruptLakeError
from storage.indexes.card import CARD, read_card
from storage.layout import Layout
from storage.manifest import IndexEntry, Manifest, sha256
from storage.snapshot import Snapshot


def was_updated(layout: Layout, manifest: Manifest, index: IndexEntry) -> bool:
    """Whether the files of an index of ``manifest`` may hold what went since it was built.

    Its card says so. Raises CorruptLakeError where that is not the card that was published: a
    digit of it decides whether rows that went are kept.
    """
    path = layout.root / index.path / CARD
    name = layout.relative(path)
    card = read_card(path)
    if sha256(path) not in {file.sha256 for file in manifest.files if file.path == name}:
        raise CorruptLakeError(path, "has another checksum")
    return card.updates > 0


def any_updated(snapshot: Snapshot) -> bool:
    """Whether an index of ``snapshot`` is such a one: nobody can tell whose rows went."""
    told = snapshot.manifest
    return any([was_updated(snapshot.layout, told, index) for index in told.indexes])
