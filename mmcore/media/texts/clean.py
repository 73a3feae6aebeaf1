"""Texts without what nobody sees, and what makes two captions equal."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_SPACES: Final = re.compile(r"[^\S\n]+")
_BLANK_LINES: Final = re.compile(r" ?\n ?(?:\n ?)+")
_LINE_ENDS: Final = re.compile(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]")
_INVISIBLE: Final = re.compile("[\ufeff\u200b\u00ad\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_NOT_KEY: Final = re.compile(r"[^\w\s]|_")
_ARTICLE: Final = re.compile(r"(?:a|an|the|some)\s+")


def clean(text: str) -> str:
    """NFC without control characters, runs of spaces and of blank lines as one; idempotent."""
    text = unicodedata.normalize("NFC", text.encode("utf-8", "replace").decode())
    text = _INVISIBLE.sub("", _LINE_ENDS.sub("\n", text))
    text = "".join(c if c == "\n" or unicodedata.category(c) != "Cc" else " " for c in text)
    text = _SPACES.sub(" ", text)
    text = _BLANK_LINES.sub("\n\n", text)
    text = re.sub(r" ?\n ?", "\n", text).strip()
    return unicodedata.normalize("NFC", text)


def caption_key(text: str) -> str:
    """What makes two captions equal: NFKC, folded case, no punctuation, no leading article."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    bare = " ".join(_NOT_KEY.sub("", folded).split())
    return _ARTICLE.sub("", bare, count=1) if _ARTICLE.match(bare) else bare
