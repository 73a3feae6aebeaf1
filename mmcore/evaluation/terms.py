"""On which terms a snapshot is measured: equal ones, comparable scores."""

from __future__ import annotations

from dataclasses import dataclass, field

from mmcore.encoders.projections import FittedOn
from mmcore.evaluation.querysets.frozen import FrozenSet
from mmcore.evaluation.world import World
from mmcore.specs import EvaluationSpec, FitSpec


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked, and where."""

    spec: EvaluationSpec
    fit: FitSpec
    frozen: FrozenSet  # the candidate's, for what it is compared with, too
    fitted: FittedOn = field(default_factory=FittedOn)  # pairs that touch it are never asked
    world: World | None = None  # also measured within it
