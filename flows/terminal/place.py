"""Where in its file a segment lies, and what it is: one way for hits and for files inspected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from mmcore.media.reasons import Language
from mmcore.types import Span

_COUNTED: Final = frozenset({"subtitle", "track"})
"""Sources that are numbered from 0."""

PLACES: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {
            "page": "page {first}",
            "pages": "pages {first}–{last}",
            "char": "characters {start:,}–{end:,}",
            "subtitle:": "subtitle {number}",
            "track:": "track {number}",
        },
        "zh": {
            "page": "第 {first} 页",
            "pages": "第 {first}–{last} 页",
            "char": "第 {start:,}–{end:,} 字",
            "subtitle:": "字幕 {number}",
            "track:": "轨道 {number}",
        },
    }
)

KINDS: Final[Mapping[Language, Mapping[str, str]]] = MappingProxyType(
    {
        "en": {},  # as they are
        "zh": {
            "voice": "人声",
            "music": "音乐",
            "silence": "静音",
            "sound": "其他声音",
            "animation": "动画",
            "shot": "镜头",
            "subtitle": "字幕",
            "ocr": "图中文字",
            "asr": "语音",
        },
    }
)
_UNSAID: Final = frozenset({"page", "region"})
"""Kinds that only repeat what the place says."""


def part(source: str | None, words: Mapping[str, str]) -> Iterator[str]:
    """``page 2``, ``subtitle 1``: the part of a file that is no span; nothing for all of it.

    Pages come counted from 1, tracks and subtitles from 0; people count all from 1. The first
    track is not told: most files have no other. Nor is a reader, ``ocr@…``: the kind says it.
    """
    name, _, number = (source or "self").partition(":")
    if name == "page" and number:
        yield words["page"].format(first=number)
    elif name in _COUNTED and number.isdecimal():
        if (name, number) != ("track", "0"):
            yield words[f"{name}:"].format(number=int(number) + 1)
    elif number:
        yield f"{name}:{number}"


def within(span: Span | None, words: Mapping[str, str], *, paged: bool = False) -> Iterator[str]:
    """``0:12–0:22``, ``page 3``, ``characters 400–790``; the first page is 1 for people.

    Of a box its page, where that is not the first or the file has several (``paged``).
    """
    if span is None:
        return
    if span.unit == "page" or (span.unit == "box" and (paged or span.start > 0)):
        first, last = int(span.start) + 1, max(int(span.start) + 1, int(span.end))
        yield words["page" if first == last else "pages"].format(first=first, last=last)
    elif span.unit == "second":
        digits = 0 if span.end == span.start or span.end - span.start >= 1 else 1
        yield "–".join(dict.fromkeys(clock(at, digits) for at in (span.start, span.end)))
    elif span.unit == "char":
        yield words["char"].format(start=int(span.start), end=int(span.end))


def kind_of(
    kind: str | None,
    source: str | None,
    words: Mapping[str, str],
    unsaid: frozenset[str] = _UNSAID,
) -> Iterator[str]:
    """``music``: what a segment was found to be, where its place does not say so already.

    A subtitle's does: "subtitle 1".
    """
    if kind is not None and kind not in {*unsaid, (source or "").partition(":")[0]}:
        yield words.get(kind, kind)


def place_json(span: Span | None) -> dict[str, Any]:
    """``span``, start, end and unit, and ``box``, its sides, for programs."""
    if span is None:
        return {"span": None, "box": None}
    box = None if span.box is None else list(span.box)
    return {"span": [span.start, span.end, span.unit], "box": box}


def clock(seconds: float, digits: int) -> str:
    """``0:12``, ``1:02:03``; with a digit ``0:12.4``."""
    whole, rest = divmod(round(seconds, digits), 60)
    hours, minutes = divmod(int(whole), 60)
    width = 3 + digits if digits else 2
    told = f"{rest:0{width}.{digits}f}"
    return f"{hours}:{minutes:02d}:{told}" if hours else f"{minutes}:{told}"
