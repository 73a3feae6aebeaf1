"""How what a snapshot scores looks on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rich.markup import escape
from rich.table import Table

from flows.terminal.tables import bare
from mmcore.evaluation.reporting import words
from mmcore.media.reasons import Language

SHOWN: Final = ("Success@1", "Success@10", "RR")


STATES: Final[Mapping[str, str]] = {"measured": "已评测", "unmeasured": "未评定"}


def measured(status: str, reason: str, language: Language = "en") -> str:
    """Whether it was measured, or why not."""
    if language == "zh":
        told = STATES.get(status, status)
        return f"{told}：{escape(words.why(reason).zh)}" if reason else told
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
