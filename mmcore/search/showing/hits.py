"""An item, or a segment that brought one up → its hit: the file, the span and the text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from mmcore.rows import span_of
from mmcore.search.opened.rows import Rows
from mmcore.types import Hit
from storage.schemas import MODALITIES, Modality

_FIRST: Final = ("image", "video", "audio", "text")  # which file stands for a whole item


@dataclass(frozen=True, slots=True)
class Best:
    """An item, the segment that brought it up, and how well it fits."""

    item_id: int
    segment_id: int
    score: float


@dataclass(frozen=True, slots=True)
class Hits:
    """Makes hits of the rows of a snapshot."""

    rows: Rows

    def of_segment(self, modality: Modality, best: Best) -> Hit:
        """The hit of one segment, with the file it is cut from."""
        row = self.rows.serving(modality, best.segment_id, best.item_id)
        files = self.rows.files_of(best.item_id)
        file = next((f for f in files if f["content_id"] == row["content_id"]), None)
        span = span_of(row)
        boxed = span is not None and span.unit == "box"
        return Hit(
            item_id=best.item_id,
            key=self.rows.key(best.item_id),
            score=best.score,
            segment_id=best.segment_id,
            modality=modality,
            root=file["root"] if file else None,
            path=file["path"] if file else None,
            span=span,
            text=row["text"],
            kind=row["kind"],
            source=row["source"],
            paged=boxed and row["content_id"] in self.rows.paged(),
        )

    def of_item(self, item_id: int, score: float) -> Hit:
        """The hit of a fused vector; a picture or a video stands for the item where it has one.

        Of a file that could not be used nothing is in that vector, so it stands for no item.
        """
        files = self._used(item_id, sorted(self.rows.files_of(item_id), key=_shown_first))
        first = files[0] if files else {"root": None, "path": None}
        key = self.rows.key(item_id)
        return Hit(item_id=item_id, key=key, score=score, root=first["root"], path=first["path"])

    def _used(self, item_id: int, files: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
        """Those of an item's files with live segments, if any: of what they are, else of others.

        Segments are looked through only for an item with a file in quarantine, which are few.
        """
        refused = self.rows.refused()
        if all(file["content_id"] not in refused for file in files):
            return files
        live = self._live(item_id)
        used = [file for file in files if file["content_id"] in live]
        seen = [file for file in used if file["role"] in live[file["content_id"]]]
        return seen or used or files

    def _live(self, item_id: int) -> dict[str, set[Modality]]:
        """The contents of an item that have live segments, and of which modalities."""
        found: dict[str, set[Modality]] = {}
        for modality in MODALITIES:
            for row in self.rows.segments_of(item_id, modality):
                found.setdefault(row["content_id"], set()).add(modality)
        return found


def _shown_first(file: dict[str, Any]) -> tuple[int, str, str]:
    role = file["role"]
    return _FIRST.index(role) if role in _FIRST else len(_FIRST), file["path"], file["root"]
