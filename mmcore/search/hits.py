"""From the ids an index answers with to items, files, spans and texts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmcore.rows import span_of
from mmcore.types import Hit, Ids, Span
from storage.schemas import MODALITIES, SEGMENTS, Modality
from storage.snapshot import Snapshot

T = TypeVar("T")

_NOT_SHOWN = ("segmentation",)
_SHOWN = ("image", "video", "audio", "text")  # which file stands for a whole item


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """The rows of a table by one column of ids, which may repeat."""

    ids: Ids  # sorted
    table: pa.Table  # in the order of ``ids``

    @classmethod
    def of(cls, table: pa.Table, column: str) -> Lookup:
        """Sort ``table`` by ``column``; rows of one id keep their order."""
        ids = table[column].to_numpy()
        order = np.argsort(ids, kind="stable")
        return cls(ids[order], table.take(pa.array(order)).combine_chunks())

    def rows(self, wanted: int) -> list[dict[str, Any]]:
        """All rows of one id, in order."""
        low = int(np.searchsorted(self.ids, wanted, side="left"))
        high = int(np.searchsorted(self.ids, wanted, side="right"))
        found: list[dict[str, Any]] = self.table.slice(low, high - low).to_pylist()
        return found


@dataclass(frozen=True, slots=True)
class Best:
    """An item, the segment that brought it up, and how well it fits."""

    item_id: int
    segment_id: int
    score: float


class Catalog:
    """The rows of one snapshot, each table read at its first use; safe to share among threads."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._lock = threading.Lock()
        self._kept: dict[str, Any] = {}

    def span(self, modality: Modality, segment_id: int) -> Span | None:
        """Where in its content a segment lies."""
        return span_of(self._segments(modality).rows(segment_id)[0])

    def of_language(self, language: str) -> Ids:
        """Ids of the text segments in ``language``, each once."""
        table = self._segments(Modality.TEXT).table
        rows = table.filter(pc.equal(table["language"], language))
        ids: Ids = np.unique(rows["segment_id"].to_numpy())
        return ids

    def languages(self) -> list[str]:
        """The languages of the lake's texts, sorted."""
        found = pc.unique(self._segments(Modality.TEXT).table["language"]).to_pylist()
        return sorted(language for language in found if language)

    def segment_hit(self, modality: Modality, best: Best) -> Hit:
        """The hit of one segment, with the file it is cut from."""
        rows = self._segments(modality).rows(best.segment_id)
        row = next(row for row in rows if row["item_id"] == best.item_id)
        files = self._files().rows(best.item_id)
        file = next((f for f in files if f["content_id"] == row["content_id"]), None)
        span = span_of(row)
        return Hit(
            item_id=best.item_id,
            key=self._key(best.item_id),
            score=best.score,
            segment_id=best.segment_id,
            modality=modality,
            root=file["root"] if file else None,
            path=file["path"] if file else None,
            span=span,
            text=row["text"],
            kind=row["kind"],
            source=row["source"],
            paged=span is not None and span.unit == "box" and row["content_id"] in self._paged(),
        )

    def item_hit(self, item_id: int, score: float) -> Hit:
        """The hit of a fused vector; a picture or a video stands for the item where it has one.

        Of a file that could not be used nothing is in that vector, so it stands for no item.
        """
        files = self._used(item_id, sorted(self._files().rows(item_id), key=_shown_first))
        first = files[0] if files else {"root": None, "path": None}
        key = self._key(item_id)
        return Hit(item_id=item_id, key=key, score=score, root=first["root"], path=first["path"])

    def _used(self, item_id: int, files: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
        """Those of an item's files with live segments, if any: of what they are, else of others.

        Segments are looked through only for an item with a file in quarantine, which are few.
        """
        refused = self._once("quarantine", self._refused)
        if all(file["content_id"] not in refused for file in files):
            return files
        live = self._live(item_id)
        used = [file for file in files if file["content_id"] in live]
        seen = [file for file in used if file["role"] in live[file["content_id"]]]
        return seen or used or files

    def _refused(self) -> frozenset[str]:
        """Contents that could not be used, in whole or in part."""
        column = self._snapshot.rows("quarantine", ["content_id"])["content_id"]
        return frozenset(content for content in column.to_pylist() if content is not None)

    def _live(self, item_id: int) -> dict[str, set[Modality]]:
        """The contents of an item that have live segments, and of which modalities."""
        found: dict[str, set[Modality]] = {}
        for modality in MODALITIES:
            table = self._once(f"owners/{modality}", partial(self._owners, modality))
            mine = table.filter(pc.equal(table["item_id"], item_id))
            for content in pc.unique(mine["content_id"]).to_pylist():
                found.setdefault(content, set()).add(modality)
        return found

    def _owners(self, modality: Modality) -> pa.Table:
        return self._snapshot.rows(f"segments/{modality}", ["item_id", "content_id"])

    def _paged(self) -> frozenset[str]:
        """Contents of which a page after the first has a segment, whole or in part."""
        return self._once("paged", self._with_pages)

    def _with_pages(self) -> frozenset[str]:
        found: set[str] = set()
        for modality in (Modality.IMAGE, Modality.TEXT):
            columns = ["content_id", "unit", "start"]
            table = self._snapshot.rows(f"segments/{modality}", columns)
            of_page = pc.is_in(table["unit"], value_set=pa.array(["page", "box"]))
            later = table.filter(pc.and_(of_page, pc.greater(table["start"], 0)))
            found.update(pc.unique(later["content_id"]).to_pylist())
        return frozenset(found)

    def _key(self, item_id: int) -> str:
        rows = self._once("items", lambda: self._lookup("items", ["item_id", "key"])).rows(item_id)
        return str(rows[0]["key"]) if rows else str(item_id)

    def _files(self) -> Lookup:
        columns = ["item_id", "root", "path", "content_id", "role"]
        return self._once("item_files", lambda: self._lookup("item_files", columns))

    def _segments(self, modality: Modality) -> Lookup:
        columns = [name for name in SEGMENTS.names if name not in _NOT_SHOWN]
        return self._once(modality, lambda: self._lookup(f"segments/{modality}", columns))

    def _lookup(self, table: str, columns: list[str]) -> Lookup:
        by = "segment_id" if table.startswith("segments/") else "item_id"
        return Lookup.of(self._snapshot.rows(table, columns), by)

    def _once(self, name: str, make: Callable[[], T]) -> T:
        with self._lock:
            if name not in self._kept:
                self._kept[name] = make()
            kept: T = self._kept[name]
            return kept


def _shown_first(file: dict[str, Any]) -> tuple[int, str]:
    role = file["role"]
    return _SHOWN.index(role) if role in _SHOWN else len(_SHOWN), file["path"]
