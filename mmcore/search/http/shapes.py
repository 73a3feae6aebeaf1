"""What is answered, as data: each model is documented in the OpenAPI page."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, WithJsonSchema

from storage.manifest import Status
from storage.schemas import Modality

Number = Annotated[
    int,
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^[0-9]{1,19}$", "examples": ["4242"]}),
]
"""An id: 63 bits, so a text in JSON."""


class Shape(BaseModel):
    """An answer, or a part of one."""

    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class SpanShape(Shape):
    """Where in its content a segment lies."""

    start: float
    end: float
    unit: Literal["char", "second", "page", "box"] = Field(description="pages count from 0")


class ReasonShape(Shape):
    """One list that brought a hit up."""

    by: str = Field(description="a modality, `fused` (whole items) or `words`")
    score: float = Field(description="in that list, as it was made comparable")
    segment_id: Number | None = None
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

    item_id: Number
    key: str
    score: float
    segment_id: Number | None = Field(default=None, description="null for a whole item")
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
    why: list[ReasonShape] = []
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


class SegmentShape(Shape):
    """A segment of an item."""

    segment_id: Number
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
    item_id: Number
    root: str
    key: str
    labels: list[str]
    split: str | None = None
    has: dict[Modality, bool]
    columns: dict[str, Any] = Field(description="the user's columns")
    files: list[FileShape]
    segments: list[SegmentShape]
    segments_total: int


class ColumnShape(Shape):
    """A column of the user's."""

    name: str
    type: str


class LakeShape(Shape):
    """What is served."""

    snapshot: int
    created_at: datetime
    preset: str
    private: bool
    items: int
    segments: dict[Modality, int]
    modalities: list[Modality]
    languages: list[str]
    roots: list[str]
    columns: list[ColumnShape] = Field(description="the user's, of items")
    conditions: dict[str, list[str]] = Field(description="what `where` can name, by relation")
    max_upload_mb: float
    version: str


class SnapshotShape(Shape):
    """One snapshot that is kept; with ``error`` it cannot be read."""

    snapshot: int
    serves: bool
    created_at: datetime | None = None
    parent: int | None = None
    items: int | None = None
    segments: dict[Modality, int] = {}
    bytes: int | None = None
    status: Literal["measured", "unmeasured"] | None = None
    score: float | None = Field(default=None, description="mean of RR over all directions")
    verdict: Status | None = None
    error: str | None = None


class SnapshotsShape(Shape):
    """The snapshots that are kept, the newest first."""

    serving: int
    snapshots: list[SnapshotShape]


class NightShape(Shape):
    """One evaluation of the history."""

    when: datetime
    snapshot: int
    trigger: str
    verdict: Status
    score: float | None = None
    blocked: list[str] = Field(default=[], description="directions that were found worse")


class EvaluationShape(Shape):
    """How well the snapshot retrieves, and what the evaluations before came to."""

    snapshot: int
    status: Literal["measured", "unmeasured"] | None = None
    reason: str = ""
    queries: int = 0
    scores: dict[str, dict[str, float]] = Field(
        default={}, description="direction → measure → mean"
    )
    verdict: Status | None = None
    baseline: int | None = None
    rules: list[str] = []
    report: str | None = Field(default=None, examples=["/report/12"])
    history: list[NightShape] = Field(default=[], description="the newest first")


class WaveformShape(Shape):
    """How loud a segment is."""

    segment_id: Number
    seconds: float
    start: float = Field(description="second of the file at which the segment begins")
    peaks: list[float] = Field(description="0 to 1, of equal parts")


class HealthShape(Shape):
    """The server answers, from this snapshot."""

    status: Literal["ok"]
    snapshot: int
    version: str


class FaultShape(Shape):
    """One thing that is wrong with a request."""

    where: str = Field(examples=["query.k"])
    what: str


class ProblemShape(Shape):
    """What went wrong (RFC 9457)."""

    type: str = Field(examples=["urn:mmindex:problem:not-found"])
    title: str
    status: int = Field(examples=[404])
    detail: str = Field(description="one line for people, zh or en by Accept-Language")
    code: str = Field(examples=["not-found"])
    errors: list[FaultShape] = []
