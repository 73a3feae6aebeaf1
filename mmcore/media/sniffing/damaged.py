"""Heads of texts in which a few bytes are wrong: reading them gives the reason."""

from __future__ import annotations

import codecs
import re
from typing import Final

from mmcore.media.sniffing.charsets import CONTROLS, common_share
from mmcore.media.texts.charset import is_marked
from mmcore.media.texts.marks import WIDE_MARKS
from mmcore.media.texts.plausibility import likely

_LEAST: Final = 64  # bytes: a shorter head is too little to tell a text by
_EACH: Final = 500  # bytes in which one more may be wrong
_COMMON_SHARE: Final = 0.9
_REPLACED: Final = "\ufffd"
_PLACE: Final = re.compile("\ufffd{1,4}")  # a wrong byte within a character spoils all of it
_DELETED: Final = bytes(sorted(CONTROLS))


def damaged_text(head: bytes) -> str | None:
    """The text that the bytes nearly are, without what is wrong; None when too much is.

    It is one in UTF-8, GB18030 or Big5, or one in UTF-16 or UTF-32 by its mark.
    """
    if len(head) < _LEAST:
        return None
    most = 1 + len(head) // _EACH
    if is_marked(head) and not head.startswith(codecs.BOM_UTF8):
        return _marked(head, most)
    clean = head.translate(None, _DELETED)
    most -= len(head) - len(clean)
    if most < 0:
        return None
    unicode = _replaced(clean, "utf-8-sig")
    if _wrong(unicode) <= most:
        return unicode.replace(_REPLACED, "")
    texts = (_replaced(clean, charset) for charset in ("gb18030", "big5"))
    return next((text for text in texts if _is_chinese(text, most)), None)


def _marked(head: bytes, most: int) -> str | None:
    charset = next(name for mark, name in WIDE_MARKS if head.startswith(mark))
    text = _replaced(head, charset)
    right = text.replace(_REPLACED, "")
    return (
        right if right and _wrong(text) <= most and common_share(right) >= _COMMON_SHARE else None
    )


def _is_chinese(text: str, most: int) -> bool:
    """Whether few characters are wrong and the others are such as Chinese has."""
    return _wrong(text) <= most and likely(text.replace(_REPLACED, ""), "zh")


def _wrong(text: str) -> int:
    return sum(1 for _ in _PLACE.finditer(text))


def _replaced(head: bytes, charset: str) -> str:
    """``head``, which may end inside a character, with a mark for each place that is wrong."""
    return codecs.getincrementaldecoder(charset)("replace").decode(head)
