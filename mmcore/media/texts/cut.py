"""Texts → pieces."""

from __future__ import annotations

from mmcore.media.pieces import Piece, Pieces
from mmcore.media.texts.chunks import chunks
from mmcore.media.texts.language import detect_language
from mmcore.media.texts.read import read_text
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Content


def passages(content: Content, spec: SegmentationSpec, limits: LimitsSpec) -> Pieces:
    """The chunks of a text."""
    name = f"chunk-{spec.text_chars}"
    for span, chunk in chunks(read_text(content, limits), spec):
        yield Piece(name, span=span, language=detect_language(chunk), text=chunk)
