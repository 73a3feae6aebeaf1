"""The rows of one snapshot as the server shows them: items, their files, their segments."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from mmcore.paths import original
from mmcore.search.opened.lookup import Lookup
from mmcore.search.opened.once import Once
from mmcore.search.opened.rows import Rows
from mmcore.search.showing.thumbnails import SEEN, NamedFile, SeenSegment, standing
from mmcore.types import Ids
from storage.schemas import ITEMS, MODALITIES, Modality

_OF_FILE: Final = ["root", "path", "path_bytes", "media_type", "language", "size", "mtime_ns"]


@dataclass(frozen=True, slots=True)
class Shelved:
    """A file of an item, the ``n``th of them; without a size it is a manifest's caption."""

    n: int
    role: str
    root: str
    path: str
    content_id: str
    media_type: str | None = None
    language: str | None = None
    size: int | None = None
    mtime_ns: int | None = None
    path_bytes: bytes | None = None

    @property
    def real_path(self) -> str:
        """Its path below the root as the file system has it."""
        return original(self.path) if self.path_bytes is None else os.fsdecode(self.path_bytes)


class Shelf:
    """The tables of one snapshot, each read at its first use; safe to share among threads.

    Segments are those that the hits are made of: their texts are in memory once.
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._once = Once()

    def item(self, item_id: int) -> dict[str, Any] | None:
        """The row of an item, the user's columns among it; None where there is none."""
        rows = self._once.of("items", self._items).rows(item_id)
        return rows[0] if rows else None

    def columns(self) -> list[tuple[str, str]]:
        """Names and types of the user's columns."""
        schema = self._once.of("items", self._items).table.schema
        return [(f.name, str(f.type)) for f in schema if f.name not in ITEMS.names]

    def files(self, item_id: int) -> list[Shelved]:
        """The files of an item, sorted by root and path: their places are their numbers."""
        return _shelved(self._once.of("files", self._files).rows(item_id))

    def files_of(self, item_ids: Ids) -> dict[int, list[Shelved]]:
        """The same of several items, read together."""
        picked = self._once.of("files", self._files).picked(item_ids)
        return {item: _shelved(rows) for item, rows in picked.by_id.items()}

    def segments(self, item_id: int) -> list[tuple[Modality, dict[str, Any]]]:
        """All segments of an item, in the order of modalities, contents and places."""
        return [
            (modality, row)
            for modality in MODALITIES
            for row in sorted(self._rows.segments_of(item_id, modality), key=_place)
        ]

    def segment(self, segment_id: int) -> tuple[Modality, dict[str, Any]] | None:
        """A segment, by the first item that it serves; None where there is none."""
        return self._rows.segment(segment_id)

    def pictures(self, item_id: int, n: int | None = None) -> list[int]:
        """Segments whose thumbnail may stand for an item, of its ``n``th file if that has any."""
        files = self.files(item_id)
        root, path = (
            (files[n].root, files[n].path) if n is not None and n < len(files) else (None, None)
        )
        return standing(
            (SeenSegment.of(m, row) for m in SEEN for row in self._rows.segments_of(item_id, m)),
            (NamedFile(file.path, file.root, file.content_id) for file in files),
            root,
            path,
        )

    def seen(self, item_id: int, files: Sequence[Shelved]) -> bool:
        """Whether an item of these files has a picture or a frame that can be shown."""
        refused = self._rows.refused()
        visible = [file.content_id for file in files if file.role in SEEN]
        if not visible or any(content not in refused for content in visible):
            return bool(visible)
        return any(self._rows.segments_of(item_id, modality) for modality in SEEN)

    def media(self) -> dict[Modality, int]:
        """How many files of each medium can be used; captions of manifests count as texts."""
        return dict(self._once.of("media", self._media))

    def in_quarantine(self) -> int:
        """How many files could not be used, or not wholly."""
        return self._once.of("in quarantine", self._in_quarantine)

    def languages(self) -> list[str]:
        """The languages of the texts, sorted."""
        return self._rows.languages()

    def warm(self) -> None:
        """Read what the first answers need."""
        self._once.of("items", self._items)
        self._once.of("files", self._files)

    def _media(self) -> dict[Modality, int]:
        files = self._rows.snapshot.rows("files", ["modality", "content_id"])
        lost = pc.is_in(files["content_id"], value_set=pa.array(self._lost(), pa.string()))
        found = files.filter(pc.invert(lost))["modality"].value_counts()
        counts = {row["values"]: row["counts"] for row in found.to_pylist()}
        return {modality: counts.get(modality, 0) for modality in MODALITIES}

    def _lost(self) -> list[str]:
        """Contents in quarantine of which no segment was made."""
        refused = self._rows.refused()
        if not refused:
            return []
        kept = (
            self._rows.snapshot.rows(f"segments/{modality}", ["content_id"])["content_id"]
            for modality in MODALITIES
        )
        return sorted(refused.difference(*(pc.unique(column).to_pylist() for column in kept)))

    def _in_quarantine(self) -> int:
        rows = self._rows.snapshot.rows("quarantine", ["root", "path"])
        found: int = rows.group_by(["root", "path"]).aggregate([]).num_rows
        return found

    def _items(self) -> Lookup:
        return Lookup.of(self._rows.snapshot.rows("items"), "item_id")

    def _files(self) -> Lookup:
        """The files of items with what is known of each, by item."""
        names = ["item_id", "root", "path", "content_id", "role"]
        mine = self._rows.snapshot.rows("item_files", names)
        known = self._rows.snapshot.rows("files", _OF_FILE)
        joined = mine.join(known, ["root", "path"], join_type="left outer")
        ordered = joined.sort_by(
            [("item_id", "ascending"), ("root", "ascending"), ("path", "ascending")]
        )
        return Lookup.of(ordered.select([*names, *_OF_FILE[2:]]), "item_id")


def _shelved(rows: Sequence[dict[str, Any]]) -> list[Shelved]:
    return [
        Shelved(n=n, **{name: value for name, value in row.items() if name != "item_id"})
        for n, row in enumerate(rows)
    ]


def _place(row: dict[str, Any]) -> tuple[str, str, float, int]:
    return row["content_id"], row["source"], row["start"] or 0.0, row["segment_id"]


def file_of(files: Sequence[Shelved], content_id: str) -> Shelved | None:
    """The file of an item with that content."""
    return next((file for file in files if file.content_id == content_id), None)
