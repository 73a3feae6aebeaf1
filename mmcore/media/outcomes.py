"""What became of one content of a shard, as it crosses from a worker process: JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mmcore.types import Rejection, Segment, Span
from storage.schemas import Modality


@dataclass(frozen=True, slots=True)
class Outcome:
    """One content, decoded and shaped, or refused: wholly or not at all."""

    content_id: str
    segments: tuple[Segment, ...]
    rejections: tuple[Rejection, ...]
    done: bool  # needs no further work: shaped, empty, or refused by a decoder
    arrays: int  # bytes of the shard's file of arrays, this content's at its end
    thumbnails: tuple[int, ...] = ()  # bytes of each segment's, one after the other in their file

    def to_json(self) -> dict[str, Any]:
        """As JSON-like values; names that are not UTF-8 keep their escapes."""
        return asdict(self)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Outcome:
        """What ``to_json`` made."""
        return cls(
            told["content_id"],
            tuple(map(_segment, told["segments"])),
            tuple(map(rejection_from, told["rejections"])),
            told["done"],
            told["arrays"],
            tuple(told["thumbnails"]),
        )


def rejection_from(told: Mapping[str, Any]) -> Rejection:
    """A rejection out of ``asdict`` of one."""
    return Rejection(**{**told, "span": _span(told["span"])})


def _segment(told: Mapping[str, Any]) -> Segment:
    modality = Modality(told["modality"])
    return Segment(**{**told, "modality": modality, "span": _span(told["span"])})


def _span(told: Mapping[str, Any] | None) -> Span | None:
    if told is None:
        return None
    box = told["box"]
    return Span(told["start"], told["end"], told["unit"], None if box is None else tuple(box))
