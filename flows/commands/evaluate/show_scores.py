"""How what a snapshot scores looks on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rich.markup import escape
from rich.table import Table

from flows.terminal.tables import bare

SHOWN: Final = ("Success@1", "Success@10", "RR")


def measured(status: str, reason: str) -> str:
    """Whether it was measured, or why not."""
    return f"{status}: {escape(reason)}" if reason else status


def scores(directions: Mapping[str, Mapping[str, float]], head: str = "direction") -> Table:
    """Means per direction: the measures that fit a terminal; ``head`` is over the directions."""
    table = bare()
    table.add_column(head)
    for name in SHOWN:
        table.add_column(name, justify="right")
    for direction, means in directions.items():
        table.add_row(
            direction, *(f"{means[name]:.3f}" if name in means else "–" for name in SHOWN)
        )
    return table
