"""Two snapshots on the queries that both have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mmcore.evaluation.gating.rules import GateSpec
from mmcore.evaluation.outcomes import Outcome
from mmcore.evaluation.scores import Compared


@dataclass(frozen=True, slots=True)
class Comparison:
    """What was compared, and what could not be."""

    rows: tuple[Compared, ...]
    lost: tuple[str, ...]  # directions with enough common queries that ``after`` cannot ask
    unproven: tuple[str, ...]
    tested: int


def compared(
    before: Sequence[Outcome], after: Sequence[Outcome], spec: GateSpec, *, min_queries: int
) -> Comparison:
    """Compare direction by direction; both were scored over what both hold."""
    raise NotImplementedError
