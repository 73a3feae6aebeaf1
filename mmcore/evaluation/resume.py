"""Directions that were scored before a run was killed: the next one takes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mmcore.evaluation.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Kept:
    """One folder for one evaluation: another key, another folder."""

    folder: Path

    def load(self, name: str) -> Outcome | None:
        """The outcome of a direction; None where it is not there whole."""
        raise NotImplementedError

    def save(self, outcome: Outcome) -> None:
        """Write one; its JSON comes last."""
        raise NotImplementedError
