"""What a decoding process is asked to do: JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mmcore.processes.telling import encoder_from
from mmcore.specs import LimitsSpec, RuntimeSpec, SegmentationSpec
from mmcore.types import Content, EncoderKey
from storage.schemas import Modality


@dataclass(frozen=True, slots=True)
class Job:
    """Contents to be shaped for one encoder into the files of a folder."""

    encoder: EncoderKey
    segmentation: SegmentationSpec
    limits: LimitsSpec
    runtime: RuntimeSpec
    reader: str
    thumbnail_side: int
    folder: Path
    contents: tuple[Content, ...]

    def to_json(self) -> dict[str, Any]:
        """As JSON-like values."""
        return {
            "encoder": asdict(self.encoder),
            "segmentation": self.segmentation.model_dump(mode="json"),
            "limits": self.limits.model_dump(mode="json"),
            "runtime": self.runtime.model_dump(mode="json"),
            "reader": self.reader,
            "thumbnail_side": self.thumbnail_side,
            "folder": str(self.folder),
            "contents": [asdict(content) for content in self.contents],
        }

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Job:
        """What ``to_json`` made."""
        return cls(
            encoder_from(told["encoder"]),
            SegmentationSpec.model_validate(told["segmentation"]),
            LimitsSpec.model_validate(told["limits"]),
            RuntimeSpec.model_validate(told["runtime"]),
            told["reader"],
            told["thumbnail_side"],
            Path(told["folder"]),
            tuple(map(_content, told["contents"])),
        )


def _content(told: Mapping[str, Any]) -> Content:
    return Content(**{**told, "modality": Modality(told["modality"])})
