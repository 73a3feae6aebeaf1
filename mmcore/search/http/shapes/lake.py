"""The lake that is served, its snapshots and evaluations, as data."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from mmcore.search.http.shapes.base import Shape
from storage.manifest import Status
from storage.schemas import Modality


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
    files: dict[Modality, int] = Field(
        description="of which something can be used; captions of manifests count as texts"
    )
    quarantine: int = Field(description="files that cannot be used, or not wholly")
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
    segments: dict[Modality, int] = Field(default={})
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
    rules: list[str] = Field(default=[])
    report: str | None = Field(default=None, examples=["/report/12"])
    history: list[NightShape] = Field(default=[], description="the newest first")


class HealthShape(Shape):
    """The server answers, from this snapshot."""

    status: Literal["ok"]
    snapshot: int
    version: str
