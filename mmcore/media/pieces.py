"""What decoding a content yields: pieces to be embedded, and places that cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mmcore.errors import MediaError
from mmcore.types import Content, Segment, Span
from storage.schemas import Modality


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A stretch of a content with what is to be embedded of it.

    ``decoded`` is an RGB picture, or a float32 waveform at the encoder's rate; None for a text.
    """

    segmentation: str  # how it was cut: "whole", "window-10s" …
    decoded: Any = None
    source: str = "self"  # track:N, subtitle:N, page:N …
    span: Span | None = None
    language: str | None = None
    text: str | None = None
    kind: str | None = None  # what it was found to be: "animation", "voice", "region" …

    def segment(self, content: Content, modality: Modality) -> Segment:
        """The segment of ``content`` that it is."""
        return Segment(
            content_id=content.content_id,
            modality=modality,
            source=self.source,
            segmentation=self.segmentation,
            span=self.span,
            language=self.language,
            text=self.text,
            kind=self.kind,
        )


@dataclass(frozen=True, slots=True)
class Damage:
    """A place in a content that cannot be used, while the rest of it can."""

    error: MediaError
    source: str = "self"
    span: Span | None = None


Pieces = Iterator[Piece | Damage]
"""All that is in a content, in order; MediaError for one that cannot be used as a whole."""
