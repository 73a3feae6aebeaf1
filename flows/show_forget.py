"""How what is forgotten looks on a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.show import MOST, hits, plain
from mmcore.types import Hit
from storage.layout import Layout

if TYPE_CHECKING:  # they load faiss and Prefect
    from storage.erasure.selection import Chosen, Selection
    from tasks.erasure.choose import Choice
    from tasks.erasure.erase import Erased

BEYOND = (
    "backups, copies of the lake, older versions that a bucket keeps, other machines' caches, and"
    " the media themselves are not touched"
)

WEIGHTS = (
    "its weights stay: `mmindex train` makes a new one without it; where too few pairs are left to"
    " train, index into a new lake"
)

STAYS = (
    "what stays is kept out only where the forgotten item had it: moved or copied, it comes in"
    " again",
    "--content takes it from them as well, and keeps it out wherever it lies",
)


def forgotten(out: Console, layout: Layout, selection: Selection, done: Erased | None) -> None:
    """The summary of `mmindex forget`: what goes, what stays for others, and the proof."""
    out.print(f"[bold]mmindex[/] {_head(selection, done)}")
    table = _grid()
    _listed(table, "forget", [_line(item) for item in selection.items])
    _listed(table, "quarantined", [plain(f"{root}/{path}") for root, path in selection.refused])
    if selection.stays:
        table.add_row("stay", f"{_count(len(selection.stays), 'content')}, which others have too:")
        _listed(table, "", [_line(item) for item in selection.shared])
        for line in STAYS:
            table.add_row("", f"[dim]{line}[/]")
    elif selection.shared:
        _listed(table, "lose it", [_line(item) for item in selection.shared])
    _end(out, table, layout, done)


def ended(out: Console, layout: Layout, done: Erased) -> None:
    """What became of an erasure that waited for its end, or its proof."""
    left = "[red]tried to end an erasure that waits: something of it is left[/]"
    head = left if done.proof.left else "ended an erasure that was interrupted"
    out.print(f"[bold]mmindex[/] {head}")
    _end(out, _grid(), layout, done)


def waits(err: Console, why: str) -> None:
    """An erasure is not ended, though the command came for something else."""
    err.print(f"an erasure waits: {plain(why)}", style="red", highlight=False, soft_wrap=True)


def _grid() -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    return table


def _end(out: Console, table: Table, layout: Layout, done: Erased | None) -> None:
    if done is not None:
        _done(table, done)
    table.add_row("lake", escape(str(layout.root)))
    out.print(table)
    if done is not None:
        out.print(f"[dim]{BEYOND}[/]", soft_wrap=True)


def _head(selection: Selection, done: Erased | None) -> str:
    files = sum(len(item.files) for item in selection.items) + len(selection.refused)
    counts = {"item": len(selection.items), "file": files, "content": len(selection.contents)}
    what = ", ".join(_count(count, name) for name, count in counts.items())
    return f"dry run: would forget {what}" if done is None else f"[green]forgot[/] {what}"


def _done(table: Table, done: Erased) -> None:
    numbers = ", ".join(map(str, done.reissued)) or "none"
    table.add_row("snapshots", f"{numbers} written anew; {done.removed:,} files removed")
    if done.candidates:
        table.add_row("candidates", f"{plain(', '.join(done.candidates))} dropped")
    if done.reports:
        table.add_row("reports", f"{done.reports:,} files cleaned")
    for model in done.models:
        seen = f"{_count(model.contents, 'content')} and {_count(model.captions, 'caption')} of it"
        table.add_row("model", f"[yellow]{plain(model.model)} was fitted on {seen}[/]")
        table.add_row("", f"[dim]{WEIGHTS}[/]")
    proof = done.proof
    read = f"{proof.files:,} files, {proof.bytes / 1e6:,.1f} MB read for {proof.patterns:,} traces"
    if proof.left:
        table.add_row(
            "proof", f"[red]{read}: {_count(len(proof.left), 'file')} with some of them[/]"
        )
    else:
        table.add_row("proof", f"{read}: [green]none found[/]")


def _listed(table: Table, name: str, lines: Sequence[str]) -> None:
    for number, line in enumerate(lines[:MOST]):
        table.add_row("" if number else name, line)
    if len(lines) > MOST:
        table.add_row("", f"[dim]and {len(lines) - MOST:,} more: --json names them all[/]")


def _line(item: Chosen) -> str:
    files = ", ".join(plain(path) for path in item.files[:MOST])
    more = f" and {len(item.files) - MOST:,} more" if len(item.files) > MOST else ""
    return f"{plain(f'{item.root}/{item.key}')} [dim]{files}{more}[/]"


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def item_json(item: Chosen) -> dict[str, Any]:
    """An item for programs; ids are strings, since JavaScript's numbers are exact to 2^53 only."""
    return {
        "item_id": str(item.item_id),
        "root": item.root,
        "key": item.key,
        "files": list(item.files),
    }


def several(out: Console, choice: Choice) -> None:
    """Paths that more than one item has, and all items that would go."""
    for text, count in choice.several.items():
        out.print(f"{plain(text)} is a file of {count:,} items:", highlight=False)
    for item in choice.selection.items[:MOST]:
        out.print(f"  {_line(item)}", highlight=False)
    if len(choice.selection.items) > MOST:
        out.print(f"  [dim]and {len(choice.selection.items) - MOST:,} more[/]")
    out.print("[dim]to forget one of them alone: --item ROOT/KEY[/]")


def found(out: Console, best: Sequence[Hit]) -> None:
    """What a query found, with the numbers by which it is confirmed."""
    hits(out, best)


def declined(out: Console) -> None:
    """Nobody confirmed."""
    out.print("[bold]mmindex[/] nothing was forgotten")


def readmitted(out: Console, count: int, stay: int, *, dry_run: bool) -> None:
    """The summary of `mmindex forget --readmit`, and that other files may be out still."""
    verb = "dry run: would lift" if dry_run else "lifted"
    out.print(
        f"[bold]mmindex[/] {verb} {_count(count, 'tombstone')}: the next `mmindex index` takes"
        f" {'that file' if count == 1 else 'those files'} in again",
        soft_wrap=True,
    )
    if stay:
        out.print(
            f"[dim]{_count(stay, 'tombstone')} stay{'s' if stay == 1 else ''}: an item's other"
            " files have their own; name them, or their folder, too[/]",
            soft_wrap=True,
        )
