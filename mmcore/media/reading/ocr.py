"""Text in pictures, read by RapidOCR (PP-OCR models, Chinese and English, in its package)."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from PIL import Image

from mmcore.media.images.cut import pictures
from mmcore.media.limits import decoding
from mmcore.media.pieces import Damage, Piece, Pieces
from mmcore.media.reading.readers import OCR, loading
from mmcore.media.texts.chunks import columns
from mmcore.media.texts.clean import clean
from mmcore.media.texts.language import HAN, detect_language
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Box, Content, Span

TARGET: Final = 600
"""Half of the shorter side, in pixels, that a picture is decoded to at least where it has it."""

LEAST_SCORE: Final = 0.6
"""Confidence below which a line is taken for no text.

In 60 of the Tux Paint stamps, every sixth, the models see 41 lines that are none: 12 of them pass
RapidOCR's own 0.5, and 8 pass this.
"""

_WORDS: Final = re.compile(rf"[{HAN}]|\w\W*\w")
"""A line has a Han character or two letters: the models see a lone letter in many a shape."""

_PLAIN: Final = MappingProxyType({"image_regions": 0, "image_enhance": ()})


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text, and where it stands."""

    text: str
    box: Box


def read_pictures(
    content: Content, source: str, spec: SegmentationSpec, limits: LimitsSpec
) -> Pieces:
    """The text in a picture, or in each of its pages, as chunks of lines with their boxes.

    ``source`` is that of the reader.
    """
    plain = spec.model_copy(update=_PLAIN)
    for piece in pictures(content, plain, limits, target=TARGET):
        if isinstance(piece, Damage):
            yield piece
            continue
        start = 0 if piece.span is None else piece.span.start
        for lines in _chunked(lines_of(piece.decoded), spec.text_chars):
            text = "\n".join(line.text for line in lines)
            yield Piece(
                f"chunk-{spec.text_chars}",
                source=source,
                span=Span(start, start + 1, "box", _around(lines)),
                language=detect_language(text),
                text=text,
                kind=OCR,
            )


def lines_of(picture: Image.Image) -> list[Line]:
    """The lines of text in an RGB picture, from top to bottom."""
    pixels = np.asarray(picture)[:, :, ::-1]  # as OpenCV has them
    engine = _engine()
    with decoding(OCR):
        found = engine(np.ascontiguousarray(pixels))
    if found.txts is None:
        return []
    size = np.array([picture.width, picture.height], dtype=np.float64)
    lines = []
    for text, score, corners in zip(found.txts, found.scores, found.boxes, strict=True):
        shares = np.clip(np.asarray(corners, dtype=np.float64) / size, 0, 1).round(4)
        (left, top), (right, bottom) = shares.min(axis=0), shares.max(axis=0)
        if score >= LEAST_SCORE and _WORDS.search(said := clean(text)):
            lines.append(Line(said, (float(left), float(top), float(right), float(bottom))))
    return lines


def _chunked(lines: Sequence[Line], most: int) -> Iterator[list[Line]]:
    """Consecutive lines of at most ``most`` characters together, or one that is longer."""
    held: list[Line] = []
    size = 0
    for line in lines:
        if held and size + columns(line.text) > most:
            yield held
            held, size = [], 0
        held.append(line)
        size += columns(line.text) + 1
    if held:
        yield held


def _around(lines: Sequence[Line]) -> Box:
    boxes = np.array([line.box for line in lines])
    left, top = boxes[:, :2].min(axis=0)
    right, bottom = boxes[:, 2:].max(axis=0)
    return float(left), float(top), float(right), float(bottom)


@cache
def _engine() -> Any:
    """The models; ConfigError where they cannot be loaded: that is no picture's fault."""
    with loading("segmentation.ocr", "RapidOCR"):
        from rapidocr import RapidOCR  # noqa: PLC0415 - an extra, slow to import

        logging.getLogger("RapidOCR").setLevel(logging.ERROR)
        threads = {"EngineConfig.onnxruntime.intra_op_num_threads": 1}
        return RapidOCR(params={"Global.log_level": "error", **threads})
