"""How the vectors of two snapshots differ, and whether those of one are sound."""

from __future__ import annotations

from mmcore.evaluation.scores import Drift
from storage.snapshot import Snapshot


def drift(before: Snapshot | None, after: Snapshot, sample: int = 1000) -> list[Drift]:
    """One row for each modality and space that is searched; ``before`` None: norms alone."""
    raise NotImplementedError


def foreign_ids(after: Snapshot) -> dict[str, int]:
    """Index → how many of its ids are not those of the live rows, either way; none: {}."""
    raise NotImplementedError
