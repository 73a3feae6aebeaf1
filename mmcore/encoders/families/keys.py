"""Keys of the encoders of one checkpoint: what decides their vectors, and the space they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from mmcore.media.versions import cutting
from mmcore.specs import SegmentationSpec
from mmcore.types import EncoderKey
from storage.schemas import Modality, digest

READS: Final = {
    Modality.TEXT: (Modality.TEXT, Modality.VIDEO),
    Modality.IMAGE: (Modality.IMAGE,),
    Modality.VIDEO: (Modality.VIDEO,),
    Modality.AUDIO: (Modality.AUDIO, Modality.VIDEO),
}
"""Whose contents an encoder of a modality reads."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What the keys of one checkpoint's encoders have in common.

    ``weights``: their digest. ``version``: of the family's code; it is raised when other vectors
    come out.
    """

    preset: str
    version: int
    weights: str
    segmentation: SegmentationSpec

    @property
    def space(self) -> str:
        """``<preset>-<digest8>``: of the weights, wherever they lie."""
        return f"{self.preset}-{self.weights[:8]}"

    def key(self, name: str, modality: Modality, dim: int, **facts: Any) -> EncoderKey:
        """The key of the encoder ``name``.

        ``facts``: which part of the model it is, and what is done before it and behind it.
        """
        reads = READS[modality]
        made_of = {
            "family": self.preset,
            "weights": self.weights,
            "facts": facts,
            "cutting": cutting(self.segmentation, modality, *reads),
            "version": self.version,
        }
        return EncoderKey(modality, name, digest(made_of), self.space, dim, reads)

    def model(self, tower: str = "") -> str:
        """What a model of it is called among those that are loaded."""
        return " ".join(filter(None, (self.preset, tower, self.weights[:8])))
