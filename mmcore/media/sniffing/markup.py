"""Which kind of text a text is: HTML, SVG, subtitles, JSON or CSV captions, or plain."""

from __future__ import annotations

import re
from typing import Final

from mmcore.media.sniffing.kinds import (
    ASS,
    CSV,
    HTML,
    JSON,
    JSON_LINES,
    PLAIN,
    SRT,
    SVG,
    VTT,
    Kind,
)
from mmcore.media.texts.elements import BOXES, LINES
from mmcore.media.texts.tables import caption_table
from storage.schemas import Modality

# Quantifiers are possessive: a head of spaces or letters alone must not take quadratic time.
_PROLOG: Final = re.compile(r"\s*+(?:<\?.*?\?>|<!--.*?-->)", re.S)
_DOCTYPE: Final = re.compile(r"\s*+<!doctype\s++([\w:-]++)[^<>\[]*+(?:\[.*?\]\s*+)?>", re.S | re.I)
_ROOT: Final = re.compile(r"\s*+<([A-Za-z][\w:.-]*)(?=[\s/>])")
_WHOLE_PAGES: Final = "html head body title meta link script style base frameset"
_OTHER_PARTS: Final = "a b em font i iframe img span strong td th tt u"
_PAGE: Final = frozenset(_WHOLE_PAGES.split())
_PARTS: Final = BOXES | LINES | frozenset(_OTHER_PARTS.split())
_TIME: Final = r"-?(?:\d++\s*+:\s*+)?\d++\s*+:\s*+\d++(?:\s*+[,.:]\s*+\d++)?"
_SRT: Final = re.compile(rf"\s*+(?:-?\d++[^\S\n]*\r?\n)?\s*+{_TIME}[^\S\n]*+-++>[^\S\n]*+{_TIME}")
_VTT: Final = re.compile(r"\s*+WEBVTT(?=\s|$)")
_ASS: Final = re.compile(r"\s*+(?:;[^\n]*+\n\s*+)*\[Script Info\]", re.I)
_LINES: Final = re.compile(r"\s*\{\s*(?:\"[^\n]*)?\}[^\S\n]*\r?\n\s*\{\s*[\"}]")
_JSON: Final = re.compile(r"\s*(?:\{\s*[\"}]|\[\s*(?:\{\s*[\"}]|\"|\]\s*\Z|\[\s*[\"{\[]))")
_NOT_FOR_PEOPLE: Final = re.compile(  # PostScript, RTF, X bitmaps, FITS
    r"\s*(?:%!PS|\{\\rtf|#define \w+_width \d+\s+#define \w+_height)|SIMPLE  =\s+[TF]"
)

_BY_START: Final = (
    (_VTT, VTT),
    (_SRT, SRT),
    (_ASS, ASS),
    (_LINES, JSON_LINES),
    (_JSON, JSON),
)


def kind_of_text(text: str) -> Kind | None:
    """Modality and media type of a text by how it begins; None for what is no text for people.

    Markdown is plain text here: only the whole tells it.
    """
    text = text.lstrip("\ufeff")
    if _NOT_FOR_PEOPLE.match(text):
        return None
    by_start = next((kind for pattern, kind in _BY_START if pattern.match(text)), None)
    kind = _markup(text) or by_start or (CSV if caption_table(text) else PLAIN)
    return (Modality.IMAGE if kind == SVG else Modality.TEXT), kind


def _markup(text: str) -> str | None:
    """HTML or SVG by the document type, else by the first element."""
    position, named = 0, ""
    while found := _PROLOG.match(text, position) or _DOCTYPE.match(text, position):
        if found.re is _DOCTYPE:
            named = found.group(1).lower()
        position = found.end()
    root = _ROOT.match(text, position)
    element = (root.group(1) if root else named).lower().rpartition(":")[2]
    if element == "svg":
        return SVG
    is_part = element in _PARTS and "</" in text[position:]
    return HTML if "html" in {named, element} or element in _PAGE or is_part else None
