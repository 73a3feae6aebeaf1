"""A text of any format → its passages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mmcore.errors import MediaError
from mmcore.media.limits import check_text_bytes
from mmcore.media.sniffing.kinds import ASS, CSV, DOCX, HTML, JSON, JSON_LINES, PDF, SRT, VTT
from mmcore.media.texts import captions, charset, docx, html, markdown, pdf, subtitle_files
from mmcore.media.texts.clean import clean
from mmcore.media.texts.passages import Passage, Passages
from mmcore.specs import LimitsSpec
from mmcore.types import Content

SUBTITLES: Final = frozenset({SRT, VTT, ASS})
"""Media types whose passages are cues."""


def passages(content: Content, limits: LimitsSpec) -> Passages:
    """The natural units of a text: its pages, captions or cues, or all of it; each with words.

    Raises MediaError (stage limits or text; ``empty-text`` where there is no passage), or OSError.
    """
    found = False
    for one in _passages(content, limits):
        found = True
        yield one
    if not found:
        raise MediaError("text", "empty-text", "nothing but spaces and control characters")


def _passages(content: Content, limits: LimitsSpec) -> Passages:
    if content.text is not None:
        return _whole(content.text)
    if content.media_type == PDF:
        return pdf.pages(content.location, limits)
    if content.media_type == DOCX:
        return _whole(docx.document_text(content.location, limits))
    data = _bytes(content, limits)
    if content.media_type == HTML:
        return _whole(html.visible_text(_checked(html.decode_page(data)), limits))
    return _of_text(_checked(charset.decode(data)), content.media_type, limits)


def _of_text(text: str, media_type: str, limits: LimitsSpec) -> Passages:
    """Passages of a decoded text; what is not what its beginning promised is read as plain."""
    found: Passages | None = None
    if media_type in {SRT, VTT}:
        found = subtitle_files.passages_of(subtitle_files.from_stamps(text))
    elif media_type == ASS:
        found = subtitle_files.passages_of(subtitle_files.from_ass(text))
    elif media_type == JSON:
        found = captions.in_json(text, limits)
    elif media_type == JSON_LINES:
        found = captions.in_json_lines(text, limits)
    elif media_type == CSV:
        found = captions.in_csv(text)
    elif markdown.is_markdown(text):
        found = _whole(markdown.visible_text(text).strip() or text)
    return _whole(text) if found is None else found


def _whole(text: str) -> Iterator[Passage]:
    words = clean(text)
    if words:
        yield Passage(words)


def _bytes(content: Content, limits: LimitsSpec) -> bytes:
    check_text_bytes(content.size, limits)
    with Path(content.location).open("rb") as file:
        data = file.read(limits.max_text_bytes + 1)  # it may have grown, or be endless
    check_text_bytes(len(data), limits)
    return data


def _checked(text: str) -> str:
    if "\0" in text:
        raise MediaError("text", "not-text", "NUL characters: a binary file")
    return text
