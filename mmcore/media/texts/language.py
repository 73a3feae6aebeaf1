"""The language of a text, by its script."""

from __future__ import annotations

import re
from typing import Final

HAN: Final = r"\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Ranges of the Han characters, with all extensions and the compatibility forms."""

_HAN_CHARACTER: Final = re.compile(f"[{HAN}]")
_OTHER_CJK: Final = re.compile(  # kana without the middle dot, which Chinese names have; hangul
    r"[\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff\uff66-\uff9f"
    r"\uac00-\ud7af\u1100-\u11ff\u3131-\u318e]"
)
_WORD: Final = re.compile(r"[A-Za-z]+")
_ACCENTED_SHARE: Final = 0.1  # more letters beyond ASCII than this: not English


def is_han(character: str) -> bool:
    """Whether one character is Han, of whatever block."""
    return _HAN_CHARACTER.match(character) is not None


def detect_language(text: str) -> str:
    """``zh``, ``en`` or ``other``, by script: a Han character counts like an English word.

    Chinese is zh in simplified and in traditional characters. Latin script with hardly any accent
    is taken for English; kana or hangul for neither.
    """
    han = len(_HAN_CHARACTER.findall(text))
    words_found = len(_WORD.findall(text))
    foreign = len(_OTHER_CJK.findall(text))
    if foreign > han / 4:
        return "other"
    if han and han >= words_found:
        return "zh"
    letters = [c for c in text if c.isalpha() and not _HAN_CHARACTER.match(c)]
    beyond = sum(not c.isascii() for c in letters)
    return "en" if words_found and beyond <= _ACCENTED_SHARE * len(letters) else "other"
