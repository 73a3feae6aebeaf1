"""Texts cut where sentences end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from mmcore.media.texts import words
from mmcore.media.texts.language import HAN
from mmcore.specs import SegmentationSpec
from mmcore.types import Span

_WIDE: Final = re.compile(f"[{HAN}\u3000-\u30ff\uac00-\ud7af\uff00-\uffef]")
_SENTENCE_END: Final = re.compile(
    r"(?:[。！？；…!?;]+|\.+(?=[\s”’\"')\]]))[”’\"'）」』】)\]]*\s*|\n\s*"
)


def chunks(text: str, spec: SegmentationSpec) -> list[tuple[Span | None, str]]:
    """Cut cleaned text into chunks of at most ``text_chars`` (a wide character counts two).

    A text that fits is one chunk without a span. Otherwise chunks end where sentences do; a
    sentence that is too long ends at word boundaries, a word that is too long anywhere. Spans are
    code points; only spaces lie outside of them.
    """
    if not text.strip():
        return []
    if _weight(text) <= spec.text_chars:
        return [(None, text)]
    found: list[tuple[Span | None, str]] = []
    for start, end in _packed(text, spec.text_chars):
        piece = text[start:end]
        left = start + len(piece) - len(piece.lstrip())
        right = start + len(piece.rstrip())
        if left < right:
            found.append((Span(left, right, "char"), text[left:right]))
    return found


def _weight(text: str) -> int:
    return len(text) + len(_WIDE.findall(text))


def _packed(text: str, most: int) -> Iterator[tuple[int, int]]:
    """Join pieces to ranges of at most ``most``; the ranges tile the text."""
    start = end = weight = 0
    for stop in _cuts(text, most):
        piece = text[end:stop]
        if weight and weight + _weight(piece.rstrip()) > most:
            yield start, end
            start, weight = end, 0
        end, weight = stop, weight + _weight(piece)
    if start < end:
        yield start, end


def _cuts(text: str, most: int) -> Iterator[int]:
    """Ends of pieces of at most ``most`` each: sentences, else words, else single characters."""
    start = 0
    for end in [*(m.end() for m in _SENTENCE_END.finditer(text)), len(text)]:
        if _weight(text[start:end].rstrip()) <= most:
            yield end
        else:
            for word in words.ends(text[start:end]):
                yield from _character_cuts(text, start + word[0], start + word[1], most)
        start = end


def _character_cuts(text: str, start: int, end: int, most: int) -> Iterator[int]:
    if _weight(text[start:end].rstrip()) <= most:
        yield end
    else:
        yield from range(start + 1, end + 1)
