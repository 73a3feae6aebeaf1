"""The rules of the gate, as a person writes them: ``text_zh->image Success@10: max_drop = 0.02``.

Loads nothing heavy: the flows' configs are made of it.
"""

from __future__ import annotations

from typing import Final

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveInt

from mmcore.specs import Spec

DEFAULT: Final = (
    "all* RR: max_drop=0.01",
    "*->* Success@10: max_drop=0.02",
    "index:* recall@10: max_drop=0.02",
    "coverage:* share: max_drop=0.02",
    "quarantine share: max_rise=0.05, action=warn",
)


class GateSpec(Spec):
    """When a snapshot that retrieves worse is kept from being published."""

    enabled: bool = Field(
        default=True,
        description="whether what is worse is blocked; off, every snapshot is `unmeasured`",
    )
    rules: tuple[str, ...] = Field(
        default=DEFAULT,
        description="SUBJECT MEASURE: max_drop = X[, alpha = 0.01][, min = Y][, action = warn];"
        " a later rule wins",
    )
    max_changed: float = Field(
        default=0.001,
        ge=0,
        le=1,
        description="share of segments whose vector may be another one, though their encoder and"
        " space are the same",
    )
    index_slack: float = Field(
        default=0.03,
        ge=0,
        le=1,
        description="how far below its goal the recall of an index may be",
    )
    flips: PositiveInt = Field(
        default=10_000, description="random sign flips of the significance test"
    )
    seed: NonNegativeInt = Field(default=0, description="decides the flips")
    max_latency: NonNegativeFloat = Field(
        default=0.0, description="p95 of a search in milliseconds that is warned of; 0: none"
    )
