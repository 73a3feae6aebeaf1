"""The verdict: pure, made of what was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mmcore.evaluation.gating.compare import Comparison
from mmcore.evaluation.gating.rules import GateSpec
from mmcore.evaluation.scores import Coverage, Drift, GateVerdict, IndexRecall


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a verdict is made of; ``before`` None: there is no baseline."""

    comparison: Comparison | None
    drift: Sequence[Drift]
    foreign: Mapping[str, int]  # index → ids that are not live, or live and not in it
    recall: Sequence[IndexRecall]
    coverage: tuple[Sequence[Coverage] | None, Sequence[Coverage]]  # before, after
    quarantine: tuple[float | None, float]  # shares of files
    directions: Mapping[str, tuple[str, ...]]  # index or modality/space → directions that use it
    baseline: int | None = None
    promotion: bool = False  # directions may be traded: their drops only warn
    p95: float | None = None
    unmeasured: str = ""  # why nothing could be compared
    tested_with: Mapping[str, int] = field(default_factory=dict)


def judge(evidence: Evidence, spec: GateSpec) -> GateVerdict:
    """Pass, warn, block or unmeasured; what needs no comparison blocks also without one."""
    raise NotImplementedError
