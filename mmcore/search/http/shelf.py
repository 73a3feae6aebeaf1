"""The rows of one snapshot as the server shows them: items, their files, their segments."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import Any, Final, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from mmcore.paths import original
from mmcore.search.hits import Lookup
from storage.schemas import ITEMS, MODALITIES, SEGMENTS, Modality
from storage.snapshot import Snapshot

T = TypeVar("T")

_OF_FILE: Final = ["root", "path", "path_bytes", "media_type", "language", "size", "mtime_ns"]
_OF_SEGMENT: Final = [name for name in SEGMENTS.names if name != "segmentation"]
_SEEN: Final = (Modality.IMAGE, Modality.VIDEO)
_TRIED: Final = 3  # segments of an item that may stand for it


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
    """The tables of one snapshot, each read at its first use; safe to share among threads."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._lock = Lock()
        self._kept: dict[str, Any] = {}

    def item(self, item_id: int) -> dict[str, Any] | None:
        """The row of an item, the user's columns among it; None where there is none."""
        rows = self._once("items", self._items).rows(item_id)
        return rows[0] if rows else None

    def columns(self) -> list[tuple[str, str]]:
        """Names and types of the user's columns."""
        schema = self._once("items", self._items).table.schema
        return [(f.name, str(f.type)) for f in schema if f.name not in ITEMS.names]

    def files(self, item_id: int) -> list[Shelved]:
        """The files of an item, sorted by root and path: their places are their numbers."""
        rows = self._once("files", self._files).rows(item_id)
        return [
            Shelved(n=n, **{name: value for name, value in row.items() if name != "item_id"})
            for n, row in enumerate(rows)
        ]

    def segments(self, item_id: int) -> list[tuple[Modality, dict[str, Any]]]:
        """All segments of an item, in the order of modalities, contents and places."""
        found = []
        for modality in MODALITIES:
            table = self._segments(modality)
            rows = table.filter(pc.equal(table["item_id"], item_id)).to_pylist()
            found += [(modality, row) for row in sorted(rows, key=_place)]
        return found

    def segment(self, segment_id: int) -> tuple[Modality, dict[str, Any]] | None:
        """A segment, by the first item that it serves; None where there is none."""
        for modality in MODALITIES:
            table = self._segments(modality)
            at = pc.index(table["segment_id"], pa.scalar(segment_id, pa.int64())).as_py()
            if at >= 0:
                return modality, table.slice(at, 1).to_pylist()[0]
        return None

    def pictures(self, item_id: int) -> list[int]:
        """Segments whose thumbnail may stand for an item: its first pictures, then frames."""
        ids: list[int] = []
        for modality in _SEEN:
            table = self._segments(modality)
            mine = table.filter(pc.equal(table["item_id"], item_id)).to_pylist()
            ids += [row["segment_id"] for row in sorted(mine, key=_place)[:_TRIED]]
        return ids[:_TRIED]

    def languages(self) -> list[str]:
        """The languages of the texts, sorted."""
        found = pc.unique(self._segments(Modality.TEXT)["language"]).to_pylist()
        return sorted(language for language in found if language)

    def warm(self) -> None:
        """Read what the first answers need."""
        self._once("items", self._items)
        self._once("files", self._files)

    def _items(self) -> Lookup:
        return Lookup.of(self.snapshot.rows("items"), "item_id")

    def _files(self) -> Lookup:
        """The files of items with what is known of each, by item."""
        names = ["item_id", "root", "path", "content_id", "role"]
        mine = self.snapshot.rows("item_files", names)
        known = self.snapshot.rows("files", _OF_FILE)
        joined = mine.join(known, ["root", "path"], join_type="left outer")
        ordered = joined.sort_by(
            [("item_id", "ascending"), ("root", "ascending"), ("path", "ascending")]
        )
        return Lookup.of(ordered.select([*names, *_OF_FILE[2:]]), "item_id")

    def _segments(self, modality: Modality) -> pa.Table:
        return self._once(f"segments/{modality}", partial(self._read_segments, modality))

    def _read_segments(self, modality: Modality) -> pa.Table:
        return self.snapshot.rows(f"segments/{modality}", _OF_SEGMENT)

    def _once(self, name: str, make: Callable[[], T]) -> T:
        with self._lock:
            if name not in self._kept:
                self._kept[name] = make()
            kept: T = self._kept[name]
            return kept


def _place(row: dict[str, Any]) -> tuple[str, str, float, int]:
    return row["content_id"], row["source"], row["start"] or 0.0, row["segment_id"]


def file_of(files: Sequence[Shelved], content_id: str) -> Shelved | None:
    """The file of an item with that content."""
    return next((file for file in files if file.content_id == content_id), None)
