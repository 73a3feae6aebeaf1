"""The answer to a search, as data."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from mmcore.search.http.shapes.base import Shape, ShownId
from storage.schemas import Modality


class SpanShape(Shape):
    """Where in its content a segment lies."""

    start: float
    end: float
    unit: Literal["char", "second", "page", "box"] = Field(description="pages count from 0")


class ReasonShape(Shape):
    """One list that brought a hit up."""

    by: str = Field(description="a modality, `fused` (whole items) or `words`")
    score: float = Field(description="in that list, as it was made comparable")
    segment_id: ShownId | None = None
    span: SpanShape | None = None
    words: list[str] = Field(default=[], description="of the query, that are in it")


class FileShape(Shape):
    """A file of an item."""

    n: int = Field(description="its number among the item's files, in this snapshot")
    role: str = Field(description="its modality")
    root: str
    path: str
    media_type: str | None = None
    size: int | None = Field(default=None, description="bytes")
    modified: datetime | None = None
    language: str | None = None
    url: str | None = Field(
        default=None,
        description="where it is served; null where it is not",
        examples=["/media/42/0"],
    )
    thumbnail: str | None = Field(default=None, description="a JPEG; may still be missing")


class HitShape(Shape):
    """An answer to a search; a higher score is better."""

    item_id: ShownId
    key: str
    score: float
    segment_id: ShownId | None = Field(default=None, description="null for a whole item")
    modality: Modality | None = None
    root: str | None = None
    path: str | None = None
    span: SpanShape | None = None
    box: list[float] | None = Field(
        default=None, description="left, top, right, bottom as shares of the upright picture"
    )
    paged: bool = Field(default=False, description="the box lies in one of several pages")
    text: str | None = None
    kind: str | None = None
    source: str | None = None
    why: list[ReasonShape] = Field(default=[])
    duplicates: int = Field(default=0, description="nearly equal items that it stands for")
    file: FileShape | None = None
    thumbnail: str | None = Field(default=None, description="a JPEG; may still be missing")
    waveform: str | None = None


class AnswerShape(Shape):
    """The hits of one snapshot, best first."""

    snapshot: int
    k: int
    offset: int
    more: bool = Field(description="whether there may be further hits at offset + k")
    notes: list[str] = Field(description="what could not be asked, and why")
    seconds: dict[str, float] = Field(description="by step")
    hits: list[HitShape]


class TypedShape(Shape):
    """What was typed into one field, taken apart."""

    q: str = Field(description="what is looked for")
    without: list[str] = Field(description="what is not wanted")
