"""Text for a terminal: lines as wide as it is, also between Chinese characters; no markup."""

from __future__ import annotations

import re
from typing import Final

from rich.cells import cell_len
from rich.markup import escape

_WIDE: Final = "\u2e80-\u303f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uff60\uffe0-\uffe6"
_NOT_FIRST: Final = "，。、；：？！）》」』】〉…"
_PIECE: Final = re.compile(rf"[{_WIDE}][{_NOT_FIRST}]*\s*|[^\s{_WIDE}]+[{_NOT_FIRST}]*\s*")


def wrapped(text: str, width: int) -> list[str]:
    """``text`` in lines of at most ``width`` cells; a word that is wider has a line of its own.

    Chinese breaks between any two characters, but no line begins with a mark that ends a phrase.
    """
    lines: list[str] = [""]
    for piece in _PIECE.findall(text):
        if lines[-1] and cell_len(lines[-1] + piece.rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return [line.rstrip() for line in lines if line]


def plain(text: str) -> str:
    """Text of a file as it may go to a terminal: no control characters, no markup."""
    return escape(
        re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e]", "\N{REPLACEMENT CHARACTER}", text)
    )
