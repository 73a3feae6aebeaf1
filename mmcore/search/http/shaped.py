"""Hits, items, files and segments → what is answered, with links to what can be seen of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

import numpy as np

from mmcore.rows import span_of
from mmcore.search.http.answering import Answered
from mmcore.search.http.served import Served
from mmcore.search.http.shapes.hits import AnswerShape, FileShape, HitShape, SpanShape
from mmcore.search.http.shapes.items import ItemShape, SegmentShape
from mmcore.search.http.shelf import Shelved, file_of
from mmcore.search.request import SearchRequest
from mmcore.search.showing.fields import box, hit_fields, rounded
from mmcore.search.showing.thumbnails import SEEN
from mmcore.types import Hit, Span
from storage.schemas import ITEMS, MODALITIES, Modality

_EXACT: Final = 2**53  # JavaScript's numbers are exact up to here
_VERSION_DIGITS: Final = 12  # of a content id, in a link


def answer_of(found: Answered, wanted: SearchRequest, *, more: bool) -> AnswerShape:
    """An answer, with links into the snapshot that gave it."""
    answer = found.answer
    items = np.array([hit.item_id for hit in answer.hits], dtype=np.int64)
    files = found.served.shelf.files_of(items)
    return AnswerShape(
        snapshot=answer.snapshot,
        k=wanted.k,
        offset=wanted.offset,
        more=more,
        notes=list(answer.notes),
        seconds=rounded(answer.seconds),
        hits=[hit_of(found.served, hit, files[hit.item_id]) for hit in answer.hits],
    )


def hit_of(served: Served, hit: Hit, files: Sequence[Shelved]) -> HitShape:
    """A hit, with the one of its item's files that it names, and what shows it."""
    file = next((f for f in files if (f.root, f.path) == (hit.root, hit.path)), None)
    heard = hit.modality == Modality.AUDIO and hit.segment_id is not None
    return HitShape(
        **hit_fields(hit, span_shape),
        paged=hit.paged,
        file=None if file is None else file_shape(served, hit.item_id, file),
        thumbnail=_small(served, hit, file, files),
        waveform=f"/api/waveform/{hit.segment_id}" if heard and _served(served, file) else None,
    )


def _small(served: Served, hit: Hit, file: Shelved | None, files: Sequence[Shelved]) -> str | None:
    """Where the small picture of a hit is, of its own file if that can be seen; None for none."""
    if served.snapshot.manifest.private:
        return None
    if hit.segment_id is not None and hit.modality in SEEN:
        return f"/thumbnails/{hit.segment_id}"
    if not served.shelf.seen(hit.item_id, files):
        return None
    named = f"?n={file.n}" if file is not None and file.role in SEEN else ""
    return f"/thumbnails/items/{hit.item_id}{named}"


def span_shape(span: Span | None) -> SpanShape | None:
    """Where a segment lies."""
    if span is None:
        return None
    return SpanShape(start=span.start, end=span.end, unit=span.unit)  # type: ignore[arg-type]


def file_shape(served: Served, item_id: int, file: Shelved) -> FileShape:
    """A file of an item, with its link where it can be served from here."""
    modified = None
    if file.mtime_ns is not None:
        modified = datetime.fromtimestamp(file.mtime_ns // 1_000_000_000, UTC)
    link = f"/media/{item_id}/{file.n}?v={file.content_id[:_VERSION_DIGITS]}"
    return FileShape(
        n=file.n,
        role=file.role,
        root=file.root,
        path=file.path,
        media_type=file.media_type,
        size=file.size,
        modified=modified,
        language=file.language,
        url=link if _served(served, file) else None,
    )


def _served(served: Served, file: Shelved | None) -> bool:
    return file is not None and file.size is not None and served.roots.has(file.root)


def item_of(served: Served, row: Mapping[str, Any], low: int, most: int) -> ItemShape:
    """An item with all its files, and ``most`` of its segments from the ``low``th on."""
    item_id = row["item_id"]
    files = served.shelf.files(item_id)
    segments = served.shelf.segments(item_id)
    shown = [_segment(served, files, kind, one) for kind, one in segments[low : low + most]]
    return ItemShape(
        snapshot=served.number,
        item_id=item_id,
        root=row["root"],
        key=row["key"],
        labels=row["labels"] or [],
        split=row["split"],
        has={modality: row[f"has_{modality}"] for modality in MODALITIES},
        columns={name: plain(value) for name, value in row.items() if name not in ITEMS.names},
        files=[_with_picture(served, item_id, file, segments) for file in files],
        segments=shown,
        segments_total=len(segments),
    )


def _with_picture(
    served: Served,
    item_id: int,
    file: Shelved,
    segments: Sequence[tuple[Modality, Mapping[str, Any]]],
) -> FileShape:
    """A file, with the first of its segments that can be seen."""
    shape = file_shape(served, item_id, file)
    seen = (
        row["segment_id"]
        for modality, row in segments
        if modality in SEEN and row["content_id"] == file.content_id
    )
    first = None if served.snapshot.manifest.private else next(seen, None)
    return shape.model_copy(
        update={"thumbnail": None if first is None else f"/thumbnails/{first}"}
    )


def _segment(
    served: Served, files: Sequence[Shelved], modality: Modality, row: Mapping[str, Any]
) -> SegmentShape:
    file = file_of(files, row["content_id"])
    number, span = row["segment_id"], span_of(row)
    seen = modality in SEEN and not served.snapshot.manifest.private
    heard = modality == Modality.AUDIO and _served(served, file)
    return SegmentShape(
        segment_id=number,
        modality=modality,
        file=None if file is None else file.n,
        source=row["source"],
        kind=row["kind"],
        language=row["language"],
        span=span_shape(span),
        box=box(span),
        text=row["text"],
        thumbnail=f"/thumbnails/{number}" if seen else None,
        waveform=f"/api/waveform/{number}" if heard else None,
    )


def plain(value: Any) -> Any:
    """A value of a user's column as JSON has it; bytes and numbers that are none are null."""
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return _simple(value)


def _simple(value: Any) -> Any:
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value if abs(value) < _EXACT else str(value)
    return None if isinstance(value, bytes) else str(value)
