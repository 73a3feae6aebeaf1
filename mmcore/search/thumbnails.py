"""Hits → the small pictures that show them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from mmcore.types import Hit
from storage.schemas import Modality
from storage.snapshot import Snapshot
from storage.thumbnails import thumbnails

_SEEN: Final = (Modality.IMAGE, Modality.VIDEO)
_TRIED: Final = 3  # segments of an item that may stand for it


def shown_by(hits: Sequence[Hit], snapshot: Snapshot) -> list[tuple[int, bytes] | None]:
    """For each hit the segment whose thumbnail shows it, and that JPEG; None where there is none.

    That of a segment is its own. A whole item has that of a picture or a frame of it: of the file
    that the hit names, where that has one.
    """
    wanted = {hit.item_id for hit in hits if hit.segment_id is None}
    of_items = _segments_of(snapshot, wanted) if wanted else {}
    choices = [
        of_items.get(_file(hit), of_items.get((hit.item_id,), []))
        if hit.segment_id is None
        else [hit.segment_id]
        for hit in hits
    ]
    found = thumbnails(snapshot, (segment for choice in choices for segment in choice))
    firsts = (next((one for one in choice if one in found), None) for choice in choices)
    return [None if first is None else (first, found[first]) for first in firsts]


def _file(hit: Hit) -> tuple[Any, ...]:
    return hit.item_id, hit.root, hit.path


def _segments_of(snapshot: Snapshot, items: set[int]) -> dict[tuple[Any, ...], list[int]]:
    """The first pictures and frames of each item, and of each file of one, in order."""
    names = _names(snapshot, items)
    found: dict[tuple[Any, ...], list[int]] = {}
    for row in _seen(snapshot, items):
        item = row["item_id"]
        for key in (
            (item,),
            *((item, *name) for name in names.get((item, row["content_id"]), ())),
        ):
            ids = found.setdefault(key, [])
            if len(ids) < _TRIED:
                ids.append(row["segment_id"])
    return found


def _names(snapshot: Snapshot, items: set[int]) -> Mapping[tuple[int, str], list[tuple[str, str]]]:
    """Root and path of the files with a content of an item."""
    columns = ["item_id", "content_id", "root", "path"]
    found: dict[tuple[int, str], list[tuple[str, str]]] = {}
    for row in _rows(snapshot, "item_files", columns, items):
        place = row["root"], row["path"]
        found.setdefault((row["item_id"], row["content_id"]), []).append(place)
    return found


def _seen(snapshot: Snapshot, items: set[int]) -> Iterator[Mapping[str, Any]]:
    """The pictures, then the frames of items, from the first one of each content on."""
    columns = ["item_id", "content_id", "segment_id", "start"]
    for modality in _SEEN:
        rows = _rows(snapshot, f"segments/{modality}", columns, items)
        yield from sorted(rows, key=lambda row: (row["start"] or 0.0, row["segment_id"]))


def _rows(
    snapshot: Snapshot, table: str, columns: Sequence[str], items: set[int]
) -> list[dict[str, Any]]:
    found = snapshot.rows(table, columns)
    mine = pc.is_in(found["item_id"], value_set=pa.array(sorted(items), pa.int64()))
    told: list[dict[str, Any]] = found.filter(mine).to_pylist()
    return told
