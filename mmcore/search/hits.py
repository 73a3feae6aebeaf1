"""From the ids an index answers with to items, files, spans and texts."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmcore.rows import span_of
from mmcore.types import Hit, Ids
from storage.schemas import SEGMENTS, Modality
from storage.snapshot import Snapshot

T = TypeVar("T")

_NOT_SHOWN = ("source", "segmentation")
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
        return cls(ids[order], table.take(pa.array(order)))

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

    def best_items(
        self, modality: Modality, ids: Iterable[int], scores: Iterable[float]
    ) -> list[Best]:
        """Each item that the segments serve, once, by its best segment; ties by smaller id."""
        segments = self._segments(modality)
        best: dict[int, Best] = {}
        for segment, score in zip(ids, scores, strict=True):
            for row in segments.rows(segment):
                held = best.get(row["item_id"])
                if held is None or score > held.score:
                    best[row["item_id"]] = Best(row["item_id"], segment, score)
        return sorted(best.values(), key=lambda b: (-b.score, b.item_id))

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
        return Hit(
            item_id=best.item_id,
            key=self._key(best.item_id),
            score=best.score,
            segment_id=best.segment_id,
            modality=modality,
            root=file["root"] if file else None,
            path=file["path"] if file else None,
            span=span_of(row),
            text=row["text"],
            kind=row["kind"],
        )

    def item_hit(self, item_id: int, score: float) -> Hit:
        """The hit of a fused vector; a picture or a video stands for the item where it has one."""
        files = sorted(self._files().rows(item_id), key=_shown_first)
        first = files[0] if files else {"root": None, "path": None}
        key = self._key(item_id)
        return Hit(item_id=item_id, key=key, score=score, root=first["root"], path=first["path"])

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
