"""Outcomes as files that other tools read: Parquet a query, TREC run and qrels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmcore.evaluation.outcomes import Outcome


def write_queries(outcomes: Sequence[Outcome], folder: Path) -> Path:
    """``queries.parquet``: one row for each query of each direction."""
    raise NotImplementedError


def write_runs(outcomes: Sequence[Outcome], folder: Path, *, tag: str, depth: int) -> list[str]:
    """``run.trec`` and ``qrels.trec``; returns the directions whose qrels were cut."""
    raise NotImplementedError
