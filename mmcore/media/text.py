"""Texts: decode, clean, tell the language, cut into chunks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from mmcore.errors import MediaError
from mmcore.media import charset, words
from mmcore.media.limits import check_text_bytes
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Content, Span

_HAN: Final = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_HAN_CHARACTER: Final = re.compile(f"[{_HAN}]")
_OTHER_CJK: Final = re.compile(r"[\u3040-\u30ff\uac00-\ud7af\u1100-\u11ff]")  # kana, hangul
_WIDE: Final = re.compile(f"[{_HAN}\u3000-\u30ff\uac00-\ud7af\uff00-\uffef]")
_SENTENCE_END: Final = re.compile(
    r"(?:[。！？；…!?;]+|\.+(?=[\s”’\"')\]]))[”’\"'）」』】)\]]*\s*|\n\s*"
)
_SPACES: Final = re.compile(r"[^\S\n]+")
_BLANK_LINES: Final = re.compile(r" ?\n ?(?:\n ?)+")
_LINE_ENDS: Final = re.compile(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]")
_INVISIBLE: Final = re.compile("[\ufeff\u200b\u00ad\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_ACCENTED_SHARE: Final = 0.1  # more letters beyond ASCII than this: not English
_NOT_KEY: Final = re.compile(r"[^\w\s]|_")
_ARTICLE: Final = re.compile(r"(?:a|an|the|some)\s+")


def read_text(content: Content, limits: LimitsSpec) -> str:
    """The cleaned text of a file or of a manifest's caption.

    Raises MediaError (too-many-bytes, unknown-charset, not-text, empty-text), or OSError.
    """
    if content.text is not None:
        text = clean(content.text)
    else:
        check_text_bytes(content.size, limits)
        data = Path(content.location).read_bytes()
        check_text_bytes(len(data), limits)
        text = charset.decode(data)
        if "\0" in text:
            raise MediaError(
                "text", "not-text", "NUL characters: a binary file, or UTF-16 without a mark"
            )
        text = clean(text)
    if not text:
        raise MediaError("text", "empty-text", "nothing but spaces and control characters")
    return text


def clean(text: str) -> str:
    """NFC without control characters, runs of spaces and of blank lines as one; idempotent."""
    text = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode())
    text = _INVISIBLE.sub("", _LINE_ENDS.sub("\n", text))
    text = "".join(c if c == "\n" or unicodedata.category(c) != "Cc" else " " for c in text)
    text = _SPACES.sub(" ", text)
    text = _BLANK_LINES.sub("\n\n", text)
    text = re.sub(r" ?\n ?", "\n", text).strip()
    return unicodedata.normalize("NFC", text)


def detect_language(text: str) -> str:
    """``zh``, ``en`` or ``other``, by script: a Han character counts like an English word.

    Latin script with hardly any accent is taken for English; kana or hangul for neither.
    """
    han = len(_HAN_CHARACTER.findall(text))
    words_found = len(re.findall(r"[A-Za-z]+", text))
    foreign = len(_OTHER_CJK.findall(text))
    if foreign > han / 4:
        return "other"
    if han and han >= words_found:
        return "zh"
    letters = [c for c in text if c.isalpha() and not _HAN_CHARACTER.match(c)]
    beyond = sum(not c.isascii() for c in letters)
    return "en" if words_found and beyond <= _ACCENTED_SHARE * len(letters) else "other"


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


def caption_key(text: str) -> str:
    """What makes two captions equal: NFKC, folded case, no punctuation, no leading article."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    bare = " ".join(_NOT_KEY.sub("", folded).split())
    return _ARTICLE.sub("", bare, count=1) if _ARTICLE.match(bare) else bare


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
