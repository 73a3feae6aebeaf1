"""What a search comes to: hits of one snapshot, and why each is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mmcore.types import Hit


@dataclass(frozen=True, slots=True)
class Answer:
    """The hits, best first; all of one snapshot, which it names."""

    snapshot: int
    hits: tuple[Hit, ...]
    notes: tuple[str, ...] = ()  # what could not be asked, and why
    seconds: Mapping[str, float] = field(default_factory=dict)  # by step
