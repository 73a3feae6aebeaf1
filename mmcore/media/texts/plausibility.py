"""How likely a text is in a language, by its characters alone: the judge between charsets.

A wrong charset turns frequent characters into rare ones. What a text costs is the sum of its
characters' costs in bits, -log2 of how often texts of that language have them: each of the 100
Han characters that make up 36 % of Chinese costs 8 bits, each of the rare thousands over 20.

The bits of frequent Han are counted (``frequent.HAN``, and its test); those of all others are set
by hand on the same scale. What holds them is tests/mmcore/media/texts/test_charset.py and
`python -m benchmarks.corpus_run chardet`: a change has to pass both.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from mmcore.media.texts import frequent
from mmcore.media.texts.language import is_han
from mmcore.media.texts.variants import simplified

EAST_ASIAN: Final = ("zh", "ja", "ko")
ALPHABETS: Final = ("western", "central", "turkish", "cyrillic")

_IMPOSSIBLE: Final = 30.0  # unassigned, for private use, or no character at all
_CONTROL: Final = 24.0
_ODD: Final = 20.0  # a letter or a symbol that the language does not use
_SYMBOL: Final = 13.0
_HAN_STEPS: Final = ((100, 8.1), (500, 10.1), (1000, 11.8), (2000, 13.4))  # (rank, bits)
_HAN_RANKS: Final[Mapping[str, int]] = MappingProxyType(
    {character: rank for rank, character in enumerate(frequent.HAN)}
)
_HAN_LEVELS: Final = (("gb2312", 0xD7, 16.0), ("big5", 0xC6, 16.5), ("gb2312", 0xF7, 20.0))
_RARE_HAN: Final = 23.0
_CHINESE_MARKS: Final = frozenset("，。、：；？！“”‘’（）《》「」『』【】〈〉…—―·・～∼　")
_SYMBOL_ROWS: Final = b"\xa3"  # of GB 2312, up to it: ★ → ℃ ①, wide letters and digits
_LATIN_MARKS: Final = frozenset("“”‘’„–—…«»°©€£§·")
_KANA_MARKS: Final = frozenset("ー・ヽヾゝゞ")
_FEW_LETTERS: Final = 10  # the fewer there are, the more frequent is each
_HANGUL: Final = frozenset(frequent.HANGUL)
_LONE: Final = re.compile(  # an accented letter is made such a one, and eats its neighbour
    "(?<![^\x00-\x7f])[^\x00-\x7f](?=[a-z])|(?<=[a-z])[^\x00-\x7f](?![^\x00-\x7f])"
)
_MIXED: Final = re.compile("[A-Za-z][\u0400-\u04ff]|[\u0400-\u04ff][A-Za-z]")
_ODD_PLACES: Final = MappingProxyType({"zh": _LONE, "ja": _LONE, "ko": _LONE, "cyrillic": _MIXED})
_LIKELY: Final = MappingProxyType(
    {one: 13.0 for one in EAST_ASIAN} | {one: 9.5 for one in ALPHABETS} | {"cyrillic": 5.4}
)
"""Bits that a character beyond ASCII costs at most, on average over a long text."""
_LIKELY_ONCE: Final = 8.0
"""Bits more that a text may cost in all: a short one may be of rare words."""


def cost(text: str, language: str) -> float:
    """Bits that ``text`` costs as one of EAST_ASIAN or ALPHABETS; linear."""
    bits = _BITS[language]
    odd = _ODD_PLACES.get(language)
    places = len(odd.findall(text)) if odd else 0
    return places * _ODD + sum(n * _any(character, bits) for character, n in Counter(text).items())


def likely(text: str, language: str) -> bool:
    """Whether what is beyond ASCII in ``text`` costs no more than ``language`` does."""
    beyond = "".join(character for character in text if not character.isascii())
    return cost(beyond, language) <= _LIKELY[language] * len(beyond) + _LIKELY_ONCE


def _any(character: str, bits: Callable[[str], float]) -> float:
    if character.isascii():
        return _ascii(character)
    category = unicodedata.category(character)
    if category in {"Cn", "Co", "Cs"} or character == "\ufffd":
        return _IMPOSSIBLE
    return _CONTROL if category == "Cc" else bits(character)


def _ascii(character: str) -> float:
    if character.isalnum() or character in " \n\r\t":
        return 6.0
    return 8.0 if character.isprintable() else _CONTROL


@cache
def _han(character: str) -> float:
    """Of a Han character in Chinese, whichever way it is written."""
    rank = _HAN_RANKS.get(simplified(character), len(frequent.HAN))
    for most, bits in _HAN_STEPS:
        if rank < most:
            return bits
    for charset, last, bits in _HAN_LEVELS:
        lead = character.encode(charset, "ignore")[:1]
        if lead and lead[0] <= last:
            return bits
    return _RARE_HAN


def _chinese(character: str) -> float:
    if is_han(character):
        return _han(character)
    if character in _CHINESE_MARKS:
        return 8.0
    row = character.encode("gb2312", "ignore")[:1]
    return _SYMBOL if row and row <= _SYMBOL_ROWS else _ODD


def _japanese(character: str) -> float:
    if "\u3041" <= character <= "\u3096":
        return 7.0
    if "\u30a1" <= character <= "\u30fa" or character in _KANA_MARKS:
        return 9.0
    if is_han(character):
        return _han(character) + 2.0
    if "\uff61" <= character <= "\uff9f":  # half as wide: one byte only
        return 12.0
    return _chinese(character)


def _korean(character: str) -> float:
    if character in _HANGUL:
        return 7.5
    if "\uac00" <= character <= "\ud7a3":
        return 13.0 if character.encode("euc_kr", "ignore") else _ODD
    return _han(character) + 5.0 if is_han(character) else _chinese(character) + 2.0


def _latin(letters: str, character: str) -> float:
    if character in _LATIN_MARKS:
        return 8.0
    if character in letters:
        return 7.0 if len(letters) > _FEW_LETTERS else 5.5
    if character > "\u024f":
        return _ODD
    return 10.0 if character.islower() or character.lower() in letters else _SYMBOL


def _cyrillic(character: str) -> float:
    rank = frequent.CYRILLIC.find(character.lower())
    if rank < 0:
        return _ODD if character > "\u024f" else _SYMBOL
    bits = 4.0 if rank < 10 else 5.5 if rank < 22 else 7.5  # noqa: PLR2004 - thirds of the letters
    return bits if character.islower() else bits + 4.0


_BITS: Final[Mapping[str, Callable[[str], float]]] = MappingProxyType(
    {
        "zh": _chinese,
        "ja": _japanese,
        "ko": _korean,
        "western": lambda character: _latin(frequent.WESTERN, character),
        "central": lambda character: _latin(frequent.CENTRAL, character),
        "turkish": lambda character: _latin(frequent.TURKISH, character),
        "cyrillic": _cyrillic,
    }
)
