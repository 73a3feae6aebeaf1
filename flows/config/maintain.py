"""What `maintain` is told, and what it did."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import (
    Field,
    NonNegativeFloat,
    PositiveInt,
)

from flows.config.index import EndedErasure
from mmcore.specs import (
    Spec,
)
from storage.places.place import place_of


class MaintainConfig(Spec):
    """Rewrite a lake's small and mostly dead parts, and remove what it no longer needs."""

    lake: str = Field(min_length=1, description="the lake's folder or URL")
    keep: PositiveInt = Field(
        default=7, description="published snapshots to keep, the one that serves among them"
    )
    grace_days: NonNegativeFloat = Field(
        default=30.0, le=36_500, description="days that unpublished work stays"
    )
    compact: bool = Field(
        default=True, description="rewrite small and mostly dead parts of vectors into fewer"
    )
    dead_share: float = Field(
        default=0.5, ge=0, le=1, description="share of a part's rows that may be dead"
    )
    part_bytes: PositiveInt = Field(
        default=64 << 20, description="bytes of vectors in a rewritten part, about, at most"
    )
    wait: NonNegativeFloat = Field(
        default=0.0, description="seconds to wait for another run on the same lake"
    )
    dry_run: bool = Field(default=False, description="say what would be done, and do nothing")

    def lake_root(self) -> Path:
        """Where the lake lies: an absolute path, or a place in an object store."""
        return place_of(self.lake)


class Compacted(Spec):
    """What became of small and mostly dead parts; in a dry run, what would, about."""

    parts_before: int = Field(default=0, description="parts of cells that were rewritten")
    parts_after: int = Field(
        default=0, description="parts of cells that hold what is live of them"
    )
    bytes_before: int = Field(
        default=0, description="of the old files, which go with the last snapshot that names them"
    )
    bytes_after: int = Field(default=0, description="of the new files")
    indexes: int = Field(
        default=0, description="indexes built afresh, for too many of their rows were gone"
    )
    left_out: str = Field(default="", description="why nothing was compacted")


class MaintainResult(Spec):
    """What a run of `maintain` did; in a dry run, what it would."""

    status: Literal["removed", "compacted", "unchanged", "planned"]
    lake: str
    snapshot: int = Field(description="the snapshot that serves")
    kept: tuple[int, ...] = Field(description="snapshots that stay")
    coming: int | None = Field(
        default=None, description="in a dry run: the one of these that compaction would publish"
    )
    gone: tuple[int, ...] = Field(default=(), description="snapshots that go")
    candidates: tuple[str, ...] = Field(default=(), description="runs whose candidates stay")
    files: dict[str, int] = Field(default_factory=dict, description="files that go, by kind")
    bytes: dict[str, int] = Field(default_factory=dict, description="their sizes, by kind")
    compacted: Compacted = Compacted()
    erasure: EndedErasure | None = Field(
        default=None, description="an erasure that waited, and was ended or tried again"
    )
    seconds: dict[str, float] = Field(default_factory=dict, description="by stage")
