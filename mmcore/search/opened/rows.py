"""The rows of a snapshot's items, files and segments, by their ids."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmcore.rows import span_of
from mmcore.search.opened.lookup import Lookup, Picked
from mmcore.search.opened.once import Once
from mmcore.types import Ids, Span
from storage.schemas import MODALITIES, SEGMENTS, Modality
from storage.snapshot import Snapshot

_NOT_SHOWN = ("segmentation",)


class Rows:
    """The rows of one snapshot, each table read at its first use; safe to share among threads."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._once = Once()

    def of(self, items: Ids, segments: Mapping[Modality, Ids]) -> Rows:
        """The same for some items and segments alone, whose rows are read together."""
        return _Some(self, items, segments)

    def warm(self) -> None:
        """Read what hits are made of."""
        self._all_items()
        self._all_files()
        for modality in MODALITIES:
            self._all_segments(modality)

    def key(self, item_id: int) -> str:
        """The key of an item; its id where it has none."""
        rows = self._items().rows(item_id)
        return str(rows[0]["key"]) if rows else str(item_id)

    def files_of(self, item_id: int) -> list[dict[str, Any]]:
        """The files of an item."""
        return self._files().rows(item_id)

    def segments_of(self, item_id: int, modality: Modality) -> list[dict[str, Any]]:
        """The rows of a medium's segments that serve an item."""
        return self._by_item(modality).rows(item_id)

    def segment(self, segment_id: int) -> tuple[Modality, dict[str, Any]] | None:
        """A segment, by the first item that it serves; None where there is none."""
        for modality in MODALITIES:
            if rows := self._all_segments(modality).rows(segment_id):
                return modality, rows[0]
        return None

    def serving(self, modality: Modality, segment_id: int, item_id: int) -> dict[str, Any]:
        """The row of a segment by which it serves an item."""
        rows = self._segments(modality).rows(segment_id)
        return next(row for row in rows if row["item_id"] == item_id)

    def span(self, modality: Modality, segment_id: int) -> Span | None:
        """Where in its content a segment lies."""
        return span_of(self._segments(modality).rows(segment_id)[0])

    def of_language(self, language: str) -> Ids:
        """Ids of the text segments in ``language``, each once."""
        table = self._texts().select(["segment_id", "language"])
        rows = table.filter(pc.equal(table["language"], language))
        ids: Ids = np.unique(rows["segment_id"].to_numpy())
        return ids

    def languages(self) -> list[str]:
        """The languages of the lake's texts, sorted."""
        found = pc.unique(self._texts()["language"]).to_pylist()
        return sorted(language for language in found if language)

    def refused(self) -> frozenset[str]:
        """Contents that could not be used, in whole or in part."""
        return self._once.of("quarantine", self._in_quarantine)

    def with_good_files(self) -> Ids:
        """The items with a file that is not among those, sorted."""
        table = self._all_files().table
        refused = pa.array(sorted(self.refused()), table["content_id"].type)
        good = pc.invert(pc.is_in(table["content_id"], value_set=refused))
        ids: Ids = np.unique(table.filter(good)["item_id"].to_numpy())
        return ids

    def paged(self) -> frozenset[str]:
        """Contents of which a page after the first has a segment, whole or in part."""
        return self._once.of("paged", self._with_pages)

    def _in_quarantine(self) -> frozenset[str]:
        column = self.snapshot.rows("quarantine", ["content_id"])["content_id"]
        return frozenset(content for content in column.to_pylist() if content is not None)

    def _with_pages(self) -> frozenset[str]:
        found: set[str] = set()
        for modality in (Modality.IMAGE, Modality.TEXT):
            columns = ["content_id", "unit", "start"]
            table = self.snapshot.rows(f"segments/{modality}", columns)
            of_page = pc.is_in(table["unit"], value_set=pa.array(["page", "box"]))
            later = table.filter(pc.and_(of_page, pc.greater(table["start"], 0)))
            found.update(pc.unique(later["content_id"]).to_pylist())
        return frozenset(found)

    def _items(self) -> Lookup | Picked:
        return self._all_items()

    def _all_items(self) -> Lookup:
        return self._once.of("items", lambda: self._lookup("items", ["item_id", "key"]))

    def _files(self) -> Lookup | Picked:
        return self._all_files()

    def _all_files(self) -> Lookup:
        columns = ["item_id", "root", "path", "content_id", "role"]
        return self._once.of("item_files", lambda: self._lookup("item_files", columns))

    def _texts(self) -> pa.Table:
        return self._all_segments(Modality.TEXT).table

    def _segments(self, modality: Modality) -> Lookup | Picked:
        return self._all_segments(modality)

    def _all_segments(self, modality: Modality) -> Lookup:
        columns = [name for name in SEGMENTS.names if name not in _NOT_SHOWN]
        return self._once.of(modality, lambda: self._lookup(f"segments/{modality}", columns))

    def _by_item(self, modality: Modality) -> Lookup:
        """The same rows, by item; no text is there twice."""
        return self._once.of(
            f"by item/{modality}",
            lambda: Lookup.of(self._all_segments(modality).table, "item_id"),
        )

    def _lookup(self, table: str, columns: list[str]) -> Lookup:
        by = "segment_id" if table.startswith("segments/") else "item_id"
        return Lookup.of(self.snapshot.rows(table, columns), by)


class _Some(Rows):
    """The rows of some items and segments, out of those of all."""

    def __init__(self, whole: Rows, items: Ids, segments: Mapping[Modality, Ids]) -> None:
        self.snapshot, self._once = whole.snapshot, whole._once
        self._keys = self._all_items().picked(items)
        self._of_items = self._all_files().picked(items)
        self._cut = {one: self._all_segments(one).picked(ids) for one, ids in segments.items()}

    def _items(self) -> Picked:
        return self._keys

    def _files(self) -> Picked:
        return self._of_items

    def _segments(self, modality: Modality) -> Picked:
        return self._cut[modality]
