"""Sentences and lines below a title, as wide as can be read."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.text import Text

from flows.terminal.wrapping import plain, wrapped

INDENT: Final = 4  # cells before what stands below a title
READABLE: Final = 100  # cells of the widest line of prose


def width_of(out: Console) -> int:
    """Cells of a line of prose: the terminal's, where those are not too many to read."""
    return min(out.width, READABLE)


def prose(out: Console, text: str, *, style: str = "", mark: str = "") -> None:
    """Sentences below a title; lines after the first stand below its words, not its mark."""
    for number, part in enumerate(wrapped(text, width_of(out) - INDENT - len(mark))):
        line(out, (" " * len(mark) if number else mark) + part, style=style)


def line(out: Console, text: str, *, style: str = "", indent: int = INDENT) -> None:
    """One line below a title, whatever its width: a name is not folded."""
    out.print(f"{' ' * indent}{text}", style=style, markup=False, highlight=False, soft_wrap=True)


def unmarked(text: str) -> str:
    """Text of a file as it may go to a terminal, not to be read as markup."""
    return Text.from_markup(plain(text)).plain
