"""Indexes that were updated: they may hold rows that went, which no table of rows names."""

from __future__ import annotations

from storage.indexes.card import CARD, read_card
from storage.layout import Layout
from storage.manifest import IndexEntry
from storage.snapshot import Snapshot


def was_updated(layout: Layout, index: IndexEntry) -> bool:
    """Whether the files of an index may hold what went since it was built."""
    return read_card(layout.root / index.path / CARD).updates > 0


def any_updated(snapshot: Snapshot) -> bool:
    """Whether an index of ``snapshot`` is such a one: nobody can tell whose rows went."""
    return any(was_updated(snapshot.layout, index) for index in snapshot.manifest.indexes)
