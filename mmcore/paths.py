"""Names of files as text that any table can hold, from which they can be told again; pure."""

from __future__ import annotations

import re
from typing import Final

_BYTE: Final = re.compile("[\udc80-\udcff]")  # how Python writes a byte that is not UTF-8
_ESCAPE: Final = re.compile(r"\\x[89a-f][0-9a-f]")
_ESCAPED: Final = re.compile(r"\\(?:\\|x([89a-f][0-9a-f]))")
_LOW: Final = 0xDC00


def printable(path: str) -> str:
    r"""``path`` with bytes that are not UTF-8 as escapes (``caf\xe9.png``); others as they are.

    In a name that has such bytes, or what looks like an escape, a backslash is doubled: so no two
    names have one text.
    """
    if path.isascii() and "\\" not in path:
        return path
    if _BYTE.search(path) or _ESCAPE.search(path):
        doubled = path.replace("\\", "\\\\")
        path = _BYTE.sub(lambda byte: f"\\x{ord(byte[0]) - _LOW:02x}", doubled)
    return storable(path)


def original(text: str) -> str:
    """The name that ``printable`` wrote as ``text``; one that has its bytes is the name itself."""
    if _BYTE.search(text) or not _ESCAPE.search(text):
        return text
    return _ESCAPED.sub(lambda one: chr(_LOW + int(one[1], 16)) if one[1] else "\\", text)


def storable(text: str) -> str:
    """``text`` with half characters as escapes, which no table can hold."""
    return text.encode("utf-8", "backslashreplace").decode()
