"""Tables of a command, all of one look; counts and lists in their cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from rich.table import Table

from flows.terminal.chinese import MODALITIES
from mmcore.media.reasons import Language

MOST: Final = 20
"""Names that a terminal shows of a long list."""


def grid() -> Table:
    """What is told line by line: what it is, dim, and then what there is to say."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    return table


def bare() -> Table:
    """Columns under dim heads, without lines."""
    return Table(box=None, pad_edge=False, header_style="dim")


def counted(counts: Mapping[str, int], language: Language = "en") -> str:
    """``1,200 image, 3 audio``: what there is any of."""
    there = {name: f"{count:,}" for name, count in counts.items() if count}
    if language == "zh":
        return "，".join(f"{MODALITIES.get(name, name)} {n}" for name, n in there.items()) or "无"
    return ", ".join(f"{n} {name}" for name, n in there.items()) or "none"


def numbers(of: Sequence[int], language: Language = "en") -> str:
    """``1, 2, 5``."""
    return ", ".join(map(str, of)) or ("无" if language == "zh" else "none")
