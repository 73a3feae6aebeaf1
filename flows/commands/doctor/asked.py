"""What is asked of a check; it goes to a worker process as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Asked:
    """What `mmindex doctor` was told to look at."""

    preset: str | None = None  # none: the lake's, or the usual one
    lake: str | None = None  # none: no lake is looked at
    weights: str | None = None  # the folder of fetched weights, where one is named

    def to_json(self) -> dict[str, Any]:
        """As it goes to a worker."""
        return asdict(self)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Asked:
        """What ``to_json`` gave."""
        return cls(**told)
