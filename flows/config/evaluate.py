"""What `evaluate-retrieval` and overrides of the gate are told, and what they did."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import (
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    field_validator,
    model_validator,
)

from flows.config.index import NOTIFY
from mmcore.errors import PublicationBlockedError, StaleSnapshotError
from mmcore.evaluation.gating.rules import GateSpec
from mmcore.evaluation.scores import Compared, Finding
from mmcore.specs import (
    RuntimeSpec,
    Spec,
)
from storage.manifest import Status
from storage.places.place import place_of


class EvaluateConfig(Spec):
    """Measure a published snapshot, or a blocked candidate, against an older one, and judge it.

    What is asked, and how, the lake's own settings say (``evaluation`` and ``fit`` of the run that
    made the snapshot).
    """

    lake: str = Field(min_length=1, description="the lake's folder or URL")
    snapshot: PositiveInt | None = Field(default=None, description="none: the one that serves")
    run: str | None = Field(default=None, description="the run of a candidate that was blocked")
    against: PositiveInt | None = Field(
        default=None,
        description="snapshot it is compared with; none: its newest sound ancestor that is kept",
    )
    on_block: Literal["alert", "roll-back"] = Field(
        default="alert",
        description="roll-back: what it was compared with serves again, if this one serves still",
    )
    max_age_hours: PositiveFloat | None = Field(
        default=None, description="hours since the last look at the sources; more are stale"
    )
    gate: GateSpec | None = Field(
        default=None, description="rules of the gate; none: those of the published snapshot"
    )
    notify: tuple[SecretStr, ...] = Field(default=(), description=NOTIFY)
    runtime: RuntimeSpec = RuntimeSpec()
    wait: NonNegativeFloat = Field(
        default=0.0, description="seconds to wait for another run on the same lake"
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.snapshot is not None and self.run is not None:
            raise ValueError("name a snapshot or the run of a candidate, not both")
        if self.run is not None and self.on_block == "roll-back":
            raise ValueError("a candidate does not serve: there is nothing to roll back")
        return self

    def lake_root(self) -> Path:
        """Where the lake lies: an absolute path, or a place in an object store."""
        return place_of(self.lake)


class EvaluateResult(Spec):
    """What an evaluation came to."""

    status: Status = Field(description="the gate's verdict")
    lake: str
    snapshot: int | None = Field(description="that was evaluated; of a candidate, its number")
    run: str
    baseline: int | None = Field(default=None, description="the snapshot it was compared with")
    why: str = Field(default="", description="of unmeasured and failed")
    measured: Literal["measured", "unmeasured"] | None = None
    reason: str = ""
    findings: tuple[Finding, ...] = Field(default=(), description="blocks first")
    compared: tuple[Compared, ...] = Field(default=(), description="each rule, each direction")
    unproven: tuple[str, ...] = Field(
        default=(), description="directions that fell by more than they may, by chance perhaps"
    )
    items: int = Field(default=0, description="that are also in what it was compared with")
    items_changed: int = Field(default=0, description="of these, with other contents than there")
    scores: dict[str, dict[str, float]] = Field(default_factory=dict)
    too_few: dict[str, int] = Field(
        default_factory=dict,
        description="directions of query sets with too few queries to be measured, and how many",
    )
    stale: float | None = Field(
        default=None, description="hours since the last look, where that is more than may be"
    )
    rolled_back_to: int | None = Field(default=None, description="the snapshot that serves now")
    not_rolled_back: str = Field(default="", description="why it was not, though it was to be")
    not_notified: tuple[str, ...] = Field(default=(), description="who could not be told, and why")
    report: str | None = Field(default=None, description="the HTML report")
    seconds: dict[str, float] = Field(default_factory=dict, description="by stage")

    @property
    def exit_code(self) -> int:
        """Of `mmindex evaluate`: that it is worse comes before that it is old."""
        if self.status in ("block", "failed"):
            return PublicationBlockedError.exit_code
        return 0 if self.stale is None else StaleSnapshotError.exit_code


class OverrideConfig(Spec):
    """Publish a candidate that the gate blocked."""

    lake: str = Field(min_length=1, description="the lake's folder or URL")
    run: str = Field(min_length=1, description="the candidate's")
    name: str = Field(description="who lets it serve")
    reason: str = Field(description="why")
    notify: tuple[SecretStr, ...] = Field(default=(), description=NOTIFY)
    wait: NonNegativeFloat = Field(
        default=0.0, description="seconds to wait for another run on the same lake"
    )

    @field_validator("name", "reason")
    @classmethod
    def _says_something(cls, said: str) -> str:
        if not said.strip():
            raise ValueError("say who lets it serve, and why")
        return " ".join(said.split())

    def lake_root(self) -> Path:
        """Where the lake lies: an absolute path, or a place in an object store."""
        return place_of(self.lake)


class OverrideResult(Spec):
    """What serves now, though the gate blocked it."""

    lake: str
    run: str
    snapshot: int | None
    before: int | None = Field(description="what served until then")
    name: str
    reason: str
    not_notified: tuple[str, ...] = Field(default=(), description="who could not be told, and why")
