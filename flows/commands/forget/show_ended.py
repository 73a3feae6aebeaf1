"""What became of an erasure that another command found waiting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rich.table import Table

from flows.config.index import EndedErasure
from flows.terminal.tables import numbers
from flows.terminal.wrapping import plain
from mmcore.media.reasons import Language

WORDS: Final[Mapping[Language, tuple[str, str, str]]] = {
    "en": ("erasure", "ended: snapshots {again} written anew; nothing of it found", "NOT ENDED"),
    "zh": ("清除", "已完成：重写了快照 {again}；没有找到残留", "没有完成"),
}


def erasure(table: Table, found: EndedErasure | None, language: Language = "en") -> None:
    """A row of it, where there was one."""
    if found is None:
        return
    name, ended, not_ended = WORDS[language]
    if found.ended:
        table.add_row(name, ended.format(again=numbers(found.reissued, language)))
    else:
        table.add_row(name, f"[bold red]{not_ended}[/] {plain(found.why)}")
