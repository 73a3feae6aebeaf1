"""What `train-fusion` and promotions are told, and what they did."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
)

from mmcore.evaluation.gating.rules import GateSpec
from mmcore.specs import (
    RuntimeSpec,
    Spec,
)
from mmcore.training.alignment.spec import AlignSpec
from mmcore.training.fusing.spec import FusionFitSpec
from storage.places.place import place_of
from tasks.promote_verdict import Remembered, Unasked, VerdictSpec, Why


class TrainConfig(Spec):
    """Train a projection and a fusion on a lake's pairs; they serve if they are better.

    Which captions are held out to measure them, and how many pairs there must be, the lake's own
    settings say (``fit.held_out``, ``fit.min_pairs``, of its last `mmindex index`).
    """

    lake: str = Field(min_length=1, description="the lake's folder or URL")
    seed: NonNegativeInt = Field(default=0, description="decides every draw of both trainings")
    align: AlignSpec = AlignSpec()
    fusion: str = Field(
        default="auto",
        description="auto (the best of fusing.candidates), or the name of a fusion",
    )
    fusing: FusionFitSpec = FusionFitSpec()
    verdict: VerdictSpec = VerdictSpec()
    gate: GateSpec | None = Field(
        default=None, description="rules of the gate; none: those of the published snapshot"
    )
    runtime: RuntimeSpec = RuntimeSpec()
    promote: bool = Field(default=True, description="let it serve if it is better")
    force: bool = Field(default=False, description="let it serve whatever it scores")
    wait: NonNegativeFloat = Field(
        default=0.0, description="seconds to wait for another run on the same lake"
    )

    def lake_root(self) -> Path:
        """Where the lake lies: an absolute path, or a place in an object store."""
        return place_of(self.lake)


class PromoteConfig(Spec):
    """Let a stored model serve, with the rows and cells of the published snapshot."""

    lake: str = Field(min_length=1, description="the lake's folder or URL")
    model: str | None = Field(
        description="NAME/VERSION, as projection/p3 or fusion/f2; none: what served before"
    )
    verdict: VerdictSpec = VerdictSpec()
    gate: GateSpec | None = Field(
        default=None, description="rules of the gate; none: those of the published snapshot"
    )
    runtime: RuntimeSpec = RuntimeSpec()
    force: bool = Field(default=False, description="let it serve whatever it scores")
    wait: NonNegativeFloat = Field(
        default=0.0, description="seconds to wait for another run on the same lake"
    )

    def lake_root(self) -> Path:
        """Where the lake lies: an absolute path, or a place in an object store."""
        return place_of(self.lake)


class PromoteResult(Spec):
    """What became of a promotion."""

    status: Literal["promoted", "refused", "stored", "unchanged", "nothing"] = Field(
        description="refused: it would not serve better; stored: it was not to be promoted;"
        " nothing: a training found too few pairs to learn from"
    )
    lake: str
    snapshot: int | None = Field(default=None, description="the snapshot that serves now")
    projection: str | None = Field(default=None, description="the version that was judged")
    fusion: str | None = Field(default=None, description="the fusion that was judged")
    reason: str = Field(default="", description="why it does not serve")
    why: Why = Field(default="", description="the same, for programs")
    lost: tuple[str, ...] = Field(
        default=(), description="directions that what serves is scored in, and it is not"
    )
    before: float | None = Field(
        default=None, description="mean RR of what served, over the directions that both have"
    )
    after: float | None = Field(default=None, description="the same of what was judged")
    directions: tuple[str, ...] = Field(default=(), description="that both are scored in")
    known: dict[str, Remembered] = Field(
        default_factory=dict,
        description="captions that what served was fitted on, by direction: mean RR of their own"
        " items with either; no score of retrieval, and in none of the means above",
    )
    known_before: float | None = Field(
        default=None, description="mean over the directions of known, with what served"
    )
    known_after: float | None = Field(default=None, description="the same with what was judged")
    unasked: Unasked = Field(
        default="",
        description="why known is empty, though what served was fitted on captions: it was not"
        " checked what is forgotten. texts: the lake keeps none to ask with; few: too few of them",
    )
    damaged: tuple[str, ...] = Field(
        default=(), description="models that served and are damaged: nothing is compared with them"
    )
    scores: dict[str, dict[str, float]] = Field(
        default_factory=dict, description="of what was judged, on the held-out captions"
    )
    seconds: dict[str, float] = Field(default_factory=dict, description="by stage")
    report: str | None = Field(default=None, description="the HTML report")


class TrainResult(PromoteResult):
    """What a training came to."""

    models: tuple[str, ...] = Field(
        default=(), description="versions that it came to; one that was stored before is the same"
    )
    pairs: dict[str, int] = Field(
        default_factory=dict, description="contents with a caption to learn from, by encoder"
    )
    few: dict[str, int] = Field(
        default_factory=dict, description="the same, of encoders that have too few"
    )
    needed: int = Field(
        default=0, description="of nothing: pairs of one medium that training needs"
    )
    won: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="what won, of what was tried for each model"
    )
    notes: tuple[str, ...] = Field(default=(), description="what was left out, and why")
