"""Text for a terminal: lines as wide as it is, also between Chinese characters; no markup."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from rich.cells import cell_len
from rich.markup import escape

_WIDE: Final = "\u2e80-\u303f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uff60\uffe0-\uffe6"
_NOT_FIRST: Final = "，。、；：？！）》」』】〉…"
_STEERING: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
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
    """Text of a file as it may go to a terminal by rich: no markup, and as ``visible``."""
    return escape(visible(text))


def visible(text: str) -> str:
    """Text of a file as it may go to a terminal: all of it can be seen.

    What steers the terminal, turns the writing around or has no width is replaced, but for the
    joiner and the selectors of emoji.
    """
    if text.isprintable():
        return text
    return "".join("\N{REPLACEMENT CHARACTER}" if _steers(one) else one for one in text)


def _steers(one: str) -> bool:
    return unicodedata.category(one) in _STEERING and one != "\N{ZERO WIDTH JOINER}"
