"""What became of an erasure that another command found waiting."""

from __future__ import annotations

from rich.table import Table

from flows.config.index import EndedErasure
from flows.terminal.tables import numbers
from flows.terminal.wrapping import plain


def erasure(table: Table, found: EndedErasure | None) -> None:
    """A row of it, where there was one."""
    if found is None:
        return
    if found.ended:
        again = numbers(found.reissued)
        table.add_row("erasure", f"ended: snapshots {again} written anew; nothing of it found")
    else:
        table.add_row("erasure", f"[bold red]NOT ENDED[/] {plain(found.why)}")
