"""How much each list counts, where several become one."""

from __future__ import annotations

from pydantic import Field

from mmcore.search.request import Share
from mmcore.specs import Spec


class Weights(Spec):
    """What a searcher is told; the defaults were tuned on captions that ask for their items.

    Those of the half of the Tux Paint + GCompris set that nothing is scored on
    (benchmarks/search.py), with the preset ``embedded``.
    """

    words: Share = Field(
        default=0.5, description="share of the words, where a search does not say it"
    )
    fused: float = Field(default=1.0, gt=0, allow_inf_nan=False, description="of whole items")
    image: float = Field(default=1.0, gt=0, allow_inf_nan=False, description="of pictures")
    text: float = Field(default=2.0, gt=0, allow_inf_nan=False, description="of texts")
    audio: float = Field(default=0.5, gt=0, allow_inf_nan=False, description="of sounds")
    video: float = Field(default=1.0, gt=0, allow_inf_nan=False, description="of videos")

    def of(self, by: str) -> float:
        """The weight of the list of a modality, or of ``fused``, beside the other vectors."""
        weight: float = getattr(self, by)
        return weight
