"""An item and what it has, as data."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from mmcore.search.http.shapes.base import Shape, ShownId
from mmcore.search.http.shapes.hits import FileShape, SpanShape
from storage.schemas import Modality


class SegmentShape(Shape):
    """A segment of an item."""

    segment_id: ShownId
    modality: Modality
    file: int | None = Field(default=None, description="the number of the file it is cut from")
    source: str
    kind: str | None = None
    language: str | None = None
    span: SpanShape | None = None
    box: list[float] | None = None
    text: str | None = None
    thumbnail: str | None = None
    waveform: str | None = None


class ItemShape(Shape):
    """An item with all its files and segments."""

    snapshot: int
    item_id: ShownId
    root: str
    key: str
    labels: list[str]
    split: str | None = None
    has: dict[Modality, bool]
    columns: dict[str, Any] = Field(description="the user's columns")
    files: list[FileShape]
    segments: list[SegmentShape]
    segments_total: int


class WaveformShape(Shape):
    """How loud a segment is."""

    segment_id: ShownId
    seconds: float
    start: float = Field(description="second of the file at which the segment begins")
    peaks: list[float] = Field(description="0 to 1, of equal parts")
