"""What a worker process is asked to do, and how it says that it could not: JSON and back."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mmcore import errors
from mmcore.specs import LimitsSpec, RuntimeSpec, SegmentationSpec
from mmcore.types import Content, EncoderKey
from storage.schemas import MmindexError, Modality


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
            _encoder(told["encoder"]),
            SegmentationSpec.model_validate(told["segmentation"]),
            LimitsSpec.model_validate(told["limits"]),
            RuntimeSpec.model_validate(told["runtime"]),
            told["reader"],
            told["thumbnail_side"],
            Path(told["folder"]),
            tuple(map(_content, told["contents"])),
        )


def _encoder(told: Mapping[str, Any]) -> EncoderKey:
    reads = tuple(map(Modality, told["reads"]))
    return EncoderKey(**{**told, "modality": Modality(told["modality"]), "reads": reads})


def _content(told: Mapping[str, Any]) -> Content:
    return Content(**{**told, "modality": Modality(told["modality"])})


class WorkerError(RuntimeError):
    """A fault of ours, or of an encoder's ``prepare``, in a worker process; has its traceback."""


def told_failure(error: Exception) -> dict[str, Any]:
    """An error that ends a job, as JSON-like values."""
    if isinstance(error, OSError) and error.errno is not None:
        name = None if error.filename is None else str(error.filename)
        return {"errno": error.errno, "message": error.strerror or "", "filename": name}
    if isinstance(error, MmindexError):
        return {"kind": type(error).__name__, "message": str(error)}
    return {"traceback": "".join(traceback.format_exception(error))}


def failure_from(told: Mapping[str, Any]) -> Exception:
    """The error that ``told_failure`` told of, as nearly as its kind can be had here."""
    if "errno" in told:
        return OSError(told["errno"], told["message"], told["filename"])
    if "traceback" in told:
        return WorkerError(f"in a decoding process:\n{told['traceback']}")
    kind = getattr(errors, told["kind"], None)
    if not (isinstance(kind, type) and issubclass(kind, MmindexError)):
        kind = MmindexError
    restored: Exception = kind.__new__(kind, told["message"])
    restored.args = (told["message"],)
    return restored
