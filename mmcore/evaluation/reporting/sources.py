"""What can be shown of a snapshot's contents and items: segments with a picture, files to play."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from mmcore.media.urls import local_folder
from storage.schemas import Modality
from storage.snapshot import Snapshot

_SEEN: Final = (Modality.IMAGE, Modality.VIDEO)
_HEARD: Final = (Modality.AUDIO, Modality.VIDEO)

Seen = tuple[int, str]
"""A segment, and the content that it is cut from."""


class Files:
    """The sounds and videos among the files of some contents and items."""

    def __init__(
        self, snapshot: Snapshot, contents: Collection[str], items: Collection[int]
    ) -> None:
        """Look up those of ``contents`` and of all that ``items`` have."""
        self._sources = snapshot.manifest.sources
        held = among(snapshot.rows("item_files", ["item_id", "content_id"]), "item_id", items)
        columns = ["root", "path", "path_bytes", "content_id", "modality", "media_type", "size"]
        files = snapshot.rows("files", columns)
        files = files.filter(pc.is_in(files["modality"], pa.array(list(map(str, _HEARD)))))
        every = {*contents, *held["content_id"].to_pylist()}
        rows = among(files, "content_id", every).to_pylist()
        self._by_content = {row["content_id"]: row for row in reversed(rows)}
        self._by_item: dict[int, Mapping[str, Any]] = {}
        for row in held.to_pylist():
            if row["content_id"] in self._by_content:
                self._by_item.setdefault(row["item_id"], self._by_content[row["content_id"]])

    def of_content(self, content: str) -> Mapping[str, Any] | None:
        """The first file with it."""
        return self._by_content.get(content)

    def of_item(self, item: int) -> Mapping[str, Any] | None:
        """The first of its files."""
        return self._by_item.get(item)

    def path(self, file: Mapping[str, Any]) -> Path | None:
        """Where a file lies on this machine; None elsewhere, and of a name that is no text."""
        folder = local_folder(self._sources.get(file["root"]))
        return None if folder is None or file["path_bytes"] is not None else folder / file["path"]


def segments_seen(
    snapshot: Snapshot, contents: Collection[str], items: Collection[int]
) -> tuple[dict[str, Seen], dict[int, Seen]]:
    """The first picture, or frame, of each content and of each item."""
    of_contents, of_items = dict[str, Seen](), dict[int, Seen]()
    for modality in _SEEN:
        columns = ["item_id", "content_id", "segment_id", "start"]
        rows = snapshot.rows(f"segments/{modality}", columns)
        mine = pc.or_(is_in(rows, "content_id", contents), is_in(rows, "item_id", items))
        order = [(name, "ascending") for name in ("start", "segment_id")]
        for row in rows.filter(mine).sort_by(order).to_pylist():
            seen = row["segment_id"], row["content_id"]
            of_contents.setdefault(row["content_id"], seen)
            of_items.setdefault(row["item_id"], seen)
    return of_contents, of_items


def among(rows: pa.Table, column: str, wanted: Collection[Any]) -> pa.Table:
    """The rows whose ``column`` is one of ``wanted``."""
    return rows.filter(is_in(rows, column, wanted))


def is_in(rows: pa.Table, column: str, wanted: Collection[Any]) -> pa.ChunkedArray:
    """Which rows those are."""
    return pc.is_in(rows[column], pa.array(sorted(wanted), rows.schema.field(column).type))
