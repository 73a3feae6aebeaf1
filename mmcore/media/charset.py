"""Bytes of a text → str: marks, UTF-8, the Chinese charsets, then a guess."""

from __future__ import annotations

import codecs
from typing import Final

from mmcore.errors import MediaError

_MARKS: Final = (  # UTF-32 first: its little-endian mark begins like that of UTF-16
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Lead bytes of the few thousand characters people use (level 1 of GB 2312 and of Big5), and of
# punctuation in both.
_COMMON: Final = {"gb18030": (0xB0, 0xD7), "big5": (0xA4, 0xC6)}
_PUNCTUATION: Final = (0xA1, 0xA3)
_LOW_TRAIL: Final = 0xA1  # a trail byte below it is no GB 2312
_SURE: Final = 0.9
_GUESS_BYTES: Final = 65_536


def decode(data: bytes) -> str:
    """Decode by byte order mark, else strict UTF-8, else GB18030 or Big5, else a guess.

    Raises MediaError ``unknown-charset`` when nothing fits; never replaces a byte.
    """
    for mark, charset in _MARKS:
        if data.startswith(mark):
            return _strict(data, charset)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _strict(data, _chinese(data) or _guess(data))


def _strict(data: bytes, charset: str) -> str:
    try:
        return data.decode(charset)
    except (UnicodeDecodeError, LookupError) as error:
        raise MediaError("text", "unknown-charset", f"not valid {charset}: {error}") from error


def _chinese(data: bytes) -> str | None:
    """The Chinese charset whose common characters the text is made of; None when that is unclear.

    Nearly all Big5 is valid GB18030 as well, as rare characters: validity alone decides nothing.
    """
    scores = {charset: _commonness(data, charset) for charset in _COMMON}
    best = max(scores, key=lambda charset: scores[charset])
    return best if scores[best] >= _SURE else None


def _commonness(data: bytes, charset: str) -> float:
    """Share of common ones among the characters beyond ASCII; 0 when not valid ``charset``."""
    try:
        data.decode(charset)
    except UnicodeDecodeError:
        return 0.0
    pairs = common = position = 0
    while position < min(len(data), _GUESS_BYTES):
        lead = data[position]
        if lead < 0x80:  # noqa: PLR2004 - ASCII
            position += 1
            continue
        trail = data[position + 1] if position + 1 < len(data) else 0
        pairs += 1
        common += _is_common(lead, trail, charset)
        position += 2
    return common / pairs if pairs else 0.0


def _is_common(lead: int, trail: int, charset: str) -> bool:
    if charset == "gb18030" and trail < _LOW_TRAIL:
        return False
    first, last = _COMMON[charset]
    return first <= lead <= last or _PUNCTUATION[0] <= lead <= _PUNCTUATION[1]


def _guess(data: bytes) -> str:
    """The charset that charset-normalizer finds; each of the GB family is read as GB18030."""
    from charset_normalizer import from_bytes  # noqa: PLC0415 - slow to import, seldom needed

    best = from_bytes(data[:_GUESS_BYTES]).best()
    if best is None:
        raise MediaError("text", "unknown-charset", "no known charset fits the bytes")
    family = {"gb2312", "gbk", "hz", "cp936"}
    return "gb18030" if best.encoding in family else str(best.encoding)
