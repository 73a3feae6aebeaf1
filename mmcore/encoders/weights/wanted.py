"""What is to be fetched, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mmcore.encoders.weights.cards import Card
from mmcore.encoders.weights.releases import UNKNOWN, Source, is_noncommercial
from mmcore.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Wanted:
    """One set of weights, as a preset's release or a person names it."""

    preset: str
    id: str
    source: Source
    target: Path
    revision: str = ""  # 40 digits, or none: what the branch main is at now
    licence: str = ""
    sha256: Mapping[str, str] = field(default_factory=dict)
    noncommercial: bool = False  # whether such a licence is accepted
    trusted: bool = False  # whether a pickle may be opened once, and kept as safetensors

    def allowed(self, licence: str) -> str:
        """The licence; ConfigError where it forbids commercial use, and nobody accepted that."""
        told = licence or self.licence or UNKNOWN
        if is_noncommercial(told) and not self.noncommercial:
            raise ConfigError(
                f"{self.id}: the licence of these weights ({told}) is not for commercial use;"
                " where that is what you want, --noncommercial"
            )
        return told


@dataclass(frozen=True, slots=True)
class Fetched:
    """Weights that lie here now. ``new``: whether anything was fetched."""

    preset: str
    path: Path
    card: Card | None  # none: copied by hand
    new: bool
