"""Cues of subtitles and of speech → chunks of text with their times."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from mmcore.media.limits import beating
from mmcore.media.pieces import Piece
from mmcore.media.texts.chunks import chunks, columns
from mmcore.media.texts.clean import clean
from mmcore.media.texts.entities import unescaped
from mmcore.media.texts.language import detect_language
from mmcore.specs import SegmentationSpec
from mmcore.types import Span

PAUSE: Final = 10.0
"""Seconds without a word that end a chunk: its span would say little."""

_TOUCHING: Final = 0.05  # seconds between two cues that show one text without a break
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]*>|<[\d:.]+>")  # <i>, <v Ann>, <c.red>, <00:01.500>
_OVERRIDE: Final = re.compile(r"\{(\\[^{}]*)\}")
_DRAWING: Final = re.compile(r"\\p(\d+)")
_ESCAPES: Final = re.compile(r"\\([Nnh])")


@dataclass(frozen=True, slots=True)
class Cue:
    """A text that is shown from ``start`` to ``end``, in seconds."""

    start: float
    end: float
    text: str


def plain(text: str) -> str:
    r"""What a viewer reads of a cue of SRT, WebVTT or ASS: one line without markup.

    Tags, ASS overrides and drawings go; ``\N``, line ends and runs of spaces are one space;
    HTML entities are read.
    """
    bare = _TAG.sub("", "".join(_undrawn(text)))
    return " ".join(clean(unescaped(_ESCAPES.sub(" ", bare))).split())


def _undrawn(text: str) -> Iterator[str]:
    """The stretches outside of overrides, less those which an override makes a drawing."""
    end, drawing = 0, False
    for override in _OVERRIDE.finditer(text):
        if not drawing:
            yield text[end : override.start()]
        modes = _DRAWING.findall(override.group(1))
        drawing = int(modes[-1][-3:]) > 0 if modes else drawing
        end = override.end()
    if not drawing:
        yield text[end:]


def cue_pieces(
    cues: Iterable[Cue], spec: SegmentationSpec, source: str = "self", kind: str = "subtitle"
) -> Iterator[Piece]:
    """The pieces of packed cues, wherever these come from: their ids are made of the same words.

    ``cue-<chars>`` says that times decide as well where a piece ends; a text's is ``chunk-…``.
    """
    for span, text in packed(cues, spec):
        yield Piece(
            f"cue-{spec.text_chars}",
            source=source,
            span=span,
            language=detect_language(text),
            text=text,
            kind=kind,
        )


def packed(cues: Iterable[Cue], spec: SegmentationSpec) -> list[tuple[Span, str]]:
    """Join cues of plain text, in order of time, to chunks of at most ``text_chars``.

    A wide character counts two. A chunk spans its first cue's start to its last one's end; a
    silence of ``PAUSE`` ends it. A text that several cues show without a break counts once. A cue
    that is too long is cut as a text is, its time shared out by characters. Seconds are rounded
    to milliseconds; spans are unique: one that would repeat ends a millisecond later. Empty cues
    and times that are no number are left out; a time before 0 is 0, an end before its start is it.
    """
    found: list[tuple[Span, str]] = []
    ends: dict[float, float] = {}  # start → latest end given out
    taken: set[tuple[float, float]] = set()
    for group in _groups(_fitting(_merged(_sane(beating(cues))), spec), spec.text_chars):
        start = round(group[0].start, 3)
        end = round(max(cue.end for cue in group), 3)
        if (start, end) in taken:
            end = round(ends[start] + 0.001, 3)
        taken.add((start, end))
        ends[start] = max(end, ends.get(start, end))
        found.append((Span(start, end, "second"), " ".join(cue.text for cue in group)))
    return found


def _sane(cues: Iterable[Cue]) -> list[Cue]:
    usable = (c for c in cues if math.isfinite(c.start) and math.isfinite(c.end))
    texts = ((max(0.0, c.start), float(c.end), " ".join(c.text.split())) for c in usable)
    sane = [Cue(start, max(start, end), text) for start, end, text in texts if text]
    return sorted(sane, key=lambda cue: (cue.start, cue.end))


def _merged(cues: Iterable[Cue]) -> Iterator[Cue]:
    """Cues of one text that follow each other without a break, as one."""
    held: Cue | None = None
    for cue in cues:
        if held and cue.text == held.text and cue.start <= held.end + _TOUCHING:
            held = Cue(held.start, max(held.end, cue.end), held.text)
            continue
        if held:
            yield held
        held = cue
    if held:
        yield held


def _fitting(cues: Iterable[Cue], spec: SegmentationSpec) -> Iterator[Cue]:
    """Cues of at most ``text_chars`` each."""
    alone = spec.model_copy(update={"text_overlap": 0})
    for cue in cues:
        a_character = (cue.end - cue.start) / len(cue.text)
        for span, text in chunks(cue.text, alone) if columns(cue.text) > spec.text_chars else ():
            first, last = (span.start, span.end) if span else (0, len(cue.text))
            yield Cue(cue.start + first * a_character, cue.start + last * a_character, text)
        if columns(cue.text) <= spec.text_chars:
            yield cue


def _groups(cues: Iterable[Cue], most: int) -> Iterator[Sequence[Cue]]:
    """Neighbours that fit in one chunk."""
    group: list[Cue] = []
    weight, end = 0, 0.0
    for cue in cues:
        more = columns(cue.text)
        if group and (weight + 1 + more > most or cue.start - end > PAUSE):
            yield group
            group, weight = [], 0
        weight += more + bool(group)
        end = max(end, cue.end) if group else cue.end
        group.append(cue)
    if group:
        yield group
