"""What evaluations came to, night by night: small files of numbers, kept for ever."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict

from storage.layout import Layout
from storage.manifest import Override, Status


class Entry(BaseModel):
    """One evaluation. Numbers and names of directions only: nothing of what a lake holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    when: datetime
    snapshot: int
    run: str
    trigger: Literal["index", "evaluate", "promote", "override", "rollback"]
    config: str
    sets: dict[str, str] = {}
    encoders: list[str] = []
    scores: dict[str, dict[str, float]] = {}  # direction → measure → mean, over the full gallery
    queries: dict[str, int] = {}
    recall: dict[str, float] = {}  # by index
    coverage: dict[str, float] = {}  # by modality: share of items that have its vector
    quarantine: float = 0.0
    latency: dict[str, float] = {}
    drift: dict[str, dict[str, float]] = {}
    verdict: Status
    baseline: int | None = None
    blocked: list[str] = []  # directions
    override: Override | None = None


def append(layout: Layout, entry: Entry) -> None:
    """Write one more file below ``history/``."""
    raise NotImplementedError


def read(layout: Layout) -> list[Entry]:
    """All of them by time; a damaged one is skipped, and named in a warning."""
    raise NotImplementedError
