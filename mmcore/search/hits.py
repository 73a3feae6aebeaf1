"""From the ids an index answers with to items, files, spans and texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmcore.rows import span_of
from mmcore.search.lookup import Lookup, Picked
from mmcore.search.once import Once
from mmcore.types import Hit, Ids, Span
from storage.schemas import MODALITIES, SEGMENTS, Modality
from storage.snapshot import Snapshot

_NOT_SHOWN = ("segmentation",)
_SHOWN = ("image", "video", "audio", "text")  # which file stands for a whole item


@dataclass(frozen=True, slots=True)
class Best:
    """An item, the segment that brought it up, and how well it fits."""

    item_id: int
    segment_id: int
    score: float


class Catalog:
    """The rows of one snapshot, each table read at its first use; safe to share among threads."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self._once = Once()

    def of(self, items: Ids, segments: Mapping[Modality, Ids]) -> Catalog:
        """The same for some items and segments alone, whose rows are read together."""
        return _Few(self, items, segments)

    def key(self, item_id: int) -> str:
        """The key of an item; its id where it has none."""
        rows = self._items().rows(item_id)
        return str(rows[0]["key"]) if rows else str(item_id)

    def span(self, modality: Modality, segment_id: int) -> Span | None:
        """Where in its content a segment lies."""
        return span_of(self._segments(modality).rows(segment_id)[0])

    def warm(self) -> None:
        """Read what hits are made of."""
        self._all_items()
        self._all_files()
        for modality in MODALITIES:
            self._all_segments(modality)

    def segment(self, segment_id: int) -> tuple[Modality, dict[str, Any]] | None:
        """A segment, by the first item that it serves; None where there is none."""
        for modality in MODALITIES:
            if rows := self._all_segments(modality).rows(segment_id):
                return modality, rows[0]
        return None

    def segments_of(self, item_id: int, modality: Modality) -> list[dict[str, Any]]:
        """The rows of a medium's segments that serve an item."""
        return self._by_item(modality).rows(item_id)

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

    def segment_hit(self, modality: Modality, best: Best) -> Hit:
        """The hit of one segment, with the file it is cut from."""
        rows = self._segments(modality).rows(best.segment_id)
        row = next(row for row in rows if row["item_id"] == best.item_id)
        files = self._files().rows(best.item_id)
        file = next((f for f in files if f["content_id"] == row["content_id"]), None)
        span = span_of(row)
        return Hit(
            item_id=best.item_id,
            key=self.key(best.item_id),
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
        key = self.key(item_id)
        return Hit(item_id=item_id, key=key, score=score, root=first["root"], path=first["path"])

    def _used(self, item_id: int, files: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
        """Those of an item's files with live segments, if any: of what they are, else of others.

        Segments are looked through only for an item with a file in quarantine, which are few.
        """
        refused = self._once.of("quarantine", self._refused)
        if all(file["content_id"] not in refused for file in files):
            return files
        live = self._live(item_id)
        used = [file for file in files if file["content_id"] in live]
        seen = [file for file in used if file["role"] in live[file["content_id"]]]
        return seen or used or files

    def _refused(self) -> frozenset[str]:
        """Contents that could not be used, in whole or in part."""
        column = self.snapshot.rows("quarantine", ["content_id"])["content_id"]
        return frozenset(content for content in column.to_pylist() if content is not None)

    def _live(self, item_id: int) -> dict[str, set[Modality]]:
        """The contents of an item that have live segments, and of which modalities."""
        found: dict[str, set[Modality]] = {}
        for modality in MODALITIES:
            for row in self.segments_of(item_id, modality):
                found.setdefault(row["content_id"], set()).add(modality)
        return found

    def _paged(self) -> frozenset[str]:
        """Contents of which a page after the first has a segment, whole or in part."""
        return self._once.of("paged", self._with_pages)

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


class _Few(Catalog):
    """The rows of some items and segments, out of a catalogue of all."""

    def __init__(self, whole: Catalog, items: Ids, segments: Mapping[Modality, Ids]) -> None:
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


def _shown_first(file: dict[str, Any]) -> tuple[int, str, str]:
    role = file["role"]
    return _SHOWN.index(role) if role in _SHOWN else len(_SHOWN), file["path"], file["root"]
