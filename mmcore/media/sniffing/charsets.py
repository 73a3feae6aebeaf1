"""Whether bytes are text, and the beginning of that text."""

from __future__ import annotations

import codecs
from collections import Counter
from typing import Final

from mmcore.media.sniffing.kinds import HEAD
from mmcore.media.texts.charset import likely_text
from mmcore.media.texts.language import is_han
from mmcore.media.texts.marks import WIDE_MARKS

CONTROLS: Final = frozenset(range(32)) - frozenset(b"\t\n\r\f\x1a\x1b") | {127}
"""Bytes that no text in a charset of bytes has."""

_KOREAN: Final = (b"\x1b$)C", b"\x0e\x0f")  # ISO-2022-KR: its escape, and its shifts
_GB_MARK: Final = b"\x84\x31\x95\x33"
_ASCII_SHARE: Final = 0.8  # a short text in some other 8-bit charset is mostly ASCII;
_LONG: Final = 64  # of so many bytes that are no text, hardly any are free of controls
_LEAST_UNITS: Final = 4
_COMMON_SHARE: Final = 0.9
_COMMON_MARKS: Final = frozenset("\n\r\t，。、：；？！“”‘’（）《》「」『』【】…—·　")
_LEVEL_1: Final = {"gb2312": (0xB0, 0xD7), "big5": (0xA4, 0xC6)}  # lead bytes of what people use


def has_mark(head: bytes) -> bool:
    """Whether the bytes begin with the mark of UTF-16 or UTF-32 and are valid in it."""
    return any(head.startswith(mark) and _text(head, name) for mark, name in WIDE_MARKS)


def is_plain(head: bytes) -> bool:
    """Whether all bytes are those of a text in UTF-8, without controls: no binary format is so."""
    return CONTROLS.isdisjoint(head) and _text(head, "utf-8") is not None


def head_text(head: bytes) -> str | None:
    """The text that the bytes begin with; None when they are no text.

    Of an 8-bit charset it is read in the one that fits, else as Latin-1: its ASCII is right.
    """
    for mark, charset in WIDE_MARKS:
        if head.startswith(mark):
            return _text(head, charset)
    if not head:
        return None
    if head.startswith(_KOREAN[0]):
        head = head.translate(None, _KOREAN[1])
    if CONTROLS.isdisjoint(head):
        unicode = _text(head, "utf-8-sig")
        if unicode is not None:
            return unicode
    wide = _utf32(head) or _utf16(head)
    if wide is not None:
        return wide
    return _of_bytes(head) if _is_8_bit(head) else None


def _of_bytes(head: bytes) -> str:
    return likely_text(head) or head.removeprefix(_GB_MARK).decode("latin-1")


def _is_8_bit(head: bytes) -> bool:
    """Whether it is GB18030, Big5, nearly ASCII, or so long and free of controls as texts are."""
    if not CONTROLS.isdisjoint(head):
        return False
    if any(_text(head, charset) is not None for charset in ("gb18030", "big5")):
        return True
    if len(head) >= _LONG and any(space in head for space in b" \n"):
        return True
    return sum(byte < 128 for byte in head) >= _ASCII_SHARE * len(head)  # noqa: PLR2004 - ASCII


def _utf32(head: bytes) -> str | None:
    """A text in UTF-32 without a mark: hardly any other bytes are valid in it."""
    if b"\0\0" not in head or len(head) % 4:
        return None
    texts = (_text(head, charset) for charset in ("utf-32-le", "utf-32-be"))
    return next((text for text in texts if text and min(text) > "\b"), None)


def _utf16(head: bytes) -> str | None:
    """A Chinese or English text in UTF-16 without a mark, by how common its characters are."""
    if len(head) < 2 * _LEAST_UNITS or (len(head) % 2 and len(head) < HEAD):
        return None
    texts = [_text(head, charset) for charset in ("utf-16-le", "utf-16-be")]
    shares = {text: common_share(text) for text in texts if text}
    best = max(shares, key=lambda text: shares[text], default=None)
    return best if best is not None and shares[best] >= _COMMON_SHARE else None


def common_share(text: str) -> float:
    """The share of a text's characters that are common in Chinese or English; it is not empty."""
    counts = Counter(text)
    return sum(n for one, n in counts.items() if _is_common(one)) / len(text)


def _is_common(character: str) -> bool:
    if " " <= character <= "~" or character in _COMMON_MARKS:
        return True
    if not is_han(character):
        return False
    leads = ((character.encode(name, "ignore")[:1], ends) for name, ends in _LEVEL_1.items())
    return any(lead and first <= lead[0] <= last for lead, (first, last) in leads)


def _text(head: bytes, charset: str) -> str | None:
    """``head``, which may end inside a character, in ``charset``; None when it is not valid."""
    try:
        decoder = codecs.getincrementaldecoder(charset)("strict")
        return decoder.decode(head, final=len(head) < HEAD)
    except UnicodeDecodeError:
        return None
