"""How a run of `mmindex maintain` looks on a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.markup import escape

from flows.commands.forget.show_ended import erasure
from flows.config.maintain import Compacted, MaintainResult
from flows.terminal.tables import grid, numbers
from flows.terminal.wrapping import plain
from mmcore.counting import number_of


def maintained(out: Console, result: MaintainResult) -> None:
    """The summary of `mmindex maintain`."""
    planned = result.status == "planned"
    count, size = sum(result.files.values()), sum(result.bytes.values()) / 1e6
    verb = "would remove" if planned else "removed"
    what = f"{number_of(count, 'file')}, {size:,.1f} MB" if count else "nothing"
    mood = "dry run: " if planned else ""
    out.print(
        f"[bold]mmindex[/] {mood}{_compacted(result.compacted, planned=planned)}{verb} {what}"
    )
    table = grid()
    for kind, files in result.files.items():
        table.add_row(kind, f"{number_of(files, 'file')}, {result.bytes[kind] / 1e6:,.1f} MB")
    if result.compacted.parts_before:
        table.add_row("old parts", _old_parts(result.compacted))
    elif result.compacted.left_out:
        table.add_row("not compacted", escape(result.compacted.left_out))
    table.add_row("serves", f"snapshot {result.snapshot}")
    stay = [number for number in result.kept if number != result.coming]
    table.add_row("stay", f"snapshots {numbers(stay)}")
    if result.coming is not None:
        table.add_row("to come", f"snapshot {result.coming}")
    table.add_row("go", f"snapshots {numbers(result.gone)}")
    erasure(table, result.erasure)
    if result.candidates:
        table.add_row("stay", f"candidates {plain(', '.join(result.candidates))}")
    table.add_row("lake", escape(result.lake))
    out.print(table)


def _compacted(found: Compacted, *, planned: bool) -> str:
    """``compacted 48 parts into 2, ``, where there were such."""
    told = ""
    if found.parts_before:
        verb = "would compact" if planned else "compacted"
        told += f"{verb} {number_of(found.parts_before, 'part')} into {found.parts_after:,}, "
    if found.indexes:
        verb = "would build" if planned else "built"
        told += f"{verb} {number_of(found.indexes, 'index', 'indexes')} afresh, "
    return told


def _old_parts(found: Compacted) -> str:
    """What the old files take, and until when."""
    before, after = (size / 1e6 for size in (found.bytes_before, found.bytes_after))
    return f"{before:,.1f} MB, now {after:,.1f} MB; they go with the last snapshot that names them"
