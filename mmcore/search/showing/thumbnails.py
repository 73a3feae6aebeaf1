"""Hits → the small pictures that show them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from mmcore.types import Hit
from storage.schemas import Modality
from storage.snapshot import Snapshot
from storage.thumbnails import thumbnails

SEEN: Final = (Modality.IMAGE, Modality.VIDEO)
"""The media whose segments have thumbnails."""

_TRIED: Final = 3  # segments of an item that may stand for it


class NamedFile(NamedTuple):
    """A file of an item: where it lies, and what is in it."""

    path: str
    root: str
    content_id: str


class SeenSegment(NamedTuple):
    """A segment of an item that can be seen; they sort as they are shown: pictures first."""

    modality: int  # its place in ``SEEN``
    content_id: str
    start: float
    segment_id: int

    @classmethod
    def of(cls, modality: Modality, row: Mapping[str, Any]) -> SeenSegment:
        """Of a row of the segments of ``modality``."""
        start = row["start"] or 0.0
        return cls(SEEN.index(modality), row["content_id"], start, row["segment_id"])


def standing(
    pieces: Iterable[SeenSegment], files: Iterable[NamedFile], root: str | None, path: str | None
) -> list[int]:
    """The segments of an item whose thumbnails may stand for it, the first one first; a few.

    They are of the file that is named, where that has any, else of all of the item's: its
    pictures, then the frames of its videos, by path and by their place in the file.
    """
    files = sorted(files)
    first = {file.content_id: number for number, file in reversed([*enumerate(files)])}
    mine = [one for one in files if (one.root, one.path) == (root, path)]
    ordered = sorted(
        pieces, key=lambda one: (one.modality, first.get(one.content_id, len(first)), one[2:])
    )
    named = [one for one in ordered if mine and one.content_id == mine[0].content_id]
    return [one.segment_id for one in (named or ordered)[:_TRIED]]


def shown_by(hits: Sequence[Hit], snapshot: Snapshot) -> list[tuple[int, bytes] | None]:
    """For each hit the segment whose thumbnail shows it, and that JPEG; None where there is none.

    That of a segment is its own. A whole item has that of a picture or a frame of it: of the file
    that the hit names, where that has one.
    """
    wanted = {hit.item_id for hit in hits if hit.segment_id is None}
    pieces, files = (_pieces(snapshot, wanted), _files(snapshot, wanted)) if wanted else ({}, {})
    choices = [
        standing(pieces.get(hit.item_id, ()), files.get(hit.item_id, ()), hit.root, hit.path)
        if hit.segment_id is None
        else [hit.segment_id]
        for hit in hits
    ]
    found = thumbnails(snapshot, (segment for choice in choices for segment in choice))
    firsts = (next((one for one in choice if one in found), None) for choice in choices)
    return [None if first is None else (first, found[first]) for first in firsts]


def _files(snapshot: Snapshot, items: set[int]) -> Mapping[int, list[NamedFile]]:
    """The files of items."""
    found: dict[int, list[NamedFile]] = {}
    for row in _rows(snapshot, "item_files", ["item_id", "content_id", "root", "path"], items):
        file = NamedFile(row["path"], row["root"], row["content_id"])
        found.setdefault(row["item_id"], []).append(file)
    return found


def _pieces(snapshot: Snapshot, items: set[int]) -> Mapping[int, list[SeenSegment]]:
    """What can be seen of items."""
    columns = ["item_id", "content_id", "segment_id", "start"]
    found: dict[int, list[SeenSegment]] = {}
    for modality in SEEN:
        for row in _rows(snapshot, f"segments/{modality}", columns, items):
            found.setdefault(row["item_id"], []).append(SeenSegment.of(modality, row))
    return found


def _rows(
    snapshot: Snapshot, table: str, columns: Sequence[str], items: set[int]
) -> list[dict[str, Any]]:
    found = snapshot.rows(table, columns)
    mine = pc.is_in(found["item_id"], value_set=pa.array(sorted(items), pa.int64()))
    told: list[dict[str, Any]] = found.filter(mine).to_pylist()
    return told
