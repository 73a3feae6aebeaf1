"""Texts → pieces."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mmcore.media.pieces import Damage, Piece, Pieces
from mmcore.media.texts import documents
from mmcore.media.texts.chunks import chunks
from mmcore.media.texts.cues import Cue, cue_pieces
from mmcore.media.texts.language import detect_language
from mmcore.media.texts.passages import Passage
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Content, Span


def passages(content: Content, spec: SegmentationSpec, limits: LimitsSpec) -> Pieces:
    """The chunks of a text of any format.

    Each page or caption is cut by itself, its spans counted in its source; cues of subtitles are
    packed, with spans in seconds. Raises MediaError as ``documents.passages`` does, or OSError.
    """
    found = documents.passages(content, limits)
    if content.media_type in documents.SUBTITLES and content.text is None:
        yield from _subtitles(found, spec)
        return
    damages: list[Damage] = []
    readable = False
    for one in found:
        if isinstance(one, Damage):
            damages.append(one)
        else:
            readable = True
            yield from _chunks(one, spec)
    if damages and not readable:
        raise damages[0].error
    yield from damages


def texts_of(content: Content, spec: SegmentationSpec, limits: LimitsSpec) -> list[str]:
    """The texts of all segments of a text, in order; for the key of a caption.

    Raises what ``passages`` raises.
    """
    pieces = (one for one in passages(content, spec, limits) if isinstance(one, Piece))
    return [piece.text for piece in pieces if piece.text is not None]


def _chunks(passage: Passage, spec: SegmentationSpec) -> Iterator[Piece]:
    name = f"chunk-{spec.text_chars}"
    for place, text in chunks(passage.text, spec):
        span = _within(passage.span, place)
        language = detect_language(text)
        yield Piece(name, None, passage.source, span, language, text, passage.kind)


def _within(passage: Span | None, place: Span | None) -> Span | None:
    """A chunk's place in its source: where it lies in its passage, and that in the source."""
    if passage is None or place is None:
        return place or passage
    return Span(passage.start + place.start, passage.start + place.end, place.unit)


def _subtitles(found: Iterable[Passage | Damage], spec: SegmentationSpec) -> Iterator[Piece]:
    cues = [
        Cue(one.span.start, one.span.end, one.text)
        for one in found
        if isinstance(one, Passage) and one.span is not None
    ]
    return cue_pieces(cues, spec)
