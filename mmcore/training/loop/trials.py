"""What was tried in a training: each way with its settings, its held-out scores, and which won."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Trial:
    """One way that was tried; ``scores`` are held-out results, better when higher."""

    name: str  # ridge, cca, network, mean, mlp …; of one encoder: ``whisper: ridge``
    settings: Mapping[str, Any] = field(default_factory=dict)  # as JSON has them
    scores: Mapping[str, float] = field(default_factory=dict)  # by measure
    won: bool = False

    def to_json(self) -> dict[str, Any]:
        """As cards and reports have it."""
        told = {"settings": dict(self.settings), "scores": dict(self.scores), "won": self.won}
        return {"name": self.name, **told}

    @classmethod
    def told(cls, stored: Mapping[str, Any]) -> Trial:
        """What ``to_json`` made; KeyError or TypeError for anything else."""
        return cls(stored["name"], stored["settings"], stored["scores"], stored["won"])
