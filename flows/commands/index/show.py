"""How a run of `mmindex index` looks on a terminal."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.commands.evaluate.show_gate import alarms, findings, gate, unproven
from flows.commands.evaluate.show_scores import measured, scores
from flows.commands.forget.show_ended import erasure
from flows.commands.quarantine.show import elsewhere
from flows.config.index import Forecast, IndexResult
from flows.stages.outcome import EXAMPLES
from flows.terminal.tables import counted, grid
from flows.terminal.wrapping import plain
from mmcore.counting import number_of


def indexed(out: Console, result: IndexResult) -> None:
    """The summary of `mmindex index`."""
    head = {
        "published": f"[green]published[/] snapshot {result.snapshot}",
        "unchanged": f"nothing changed: snapshot {result.snapshot} still serves;"
        " nothing was embedded, nothing was published",
        "planned": "dry run: nothing was done",
    }[result.status]
    out.print(f"[bold]mmindex[/] {head}")
    table = grid()
    if result.forecast:
        _forecast(table, result.forecast)
    else:
        _done(table, result)
    table.add_row("lake", escape(result.lake))
    if result.report:
        table.add_row("report", escape(result.report))
    out.print(table)
    findings(out, result.findings, "en")
    unproven(out, result.unproven, "en")
    alarms(out, [f"not notified: {who}" for who in result.not_notified])
    if result.scores and result.status == "published":
        out.print(scores(result.scores))


def _done(table: Table, result: IndexResult) -> None:
    """What a run did, or would do, and what the gate said."""
    table.add_row("items", f"{result.items:,}{_changed(result)}")
    table.add_row("files", counted(result.files))
    if result.status == "planned":
        table.add_row("to embed", counted(result.new))
        table.add_row("disk", f"about {result.bytes_needed / 1e6:,.1f} MB")
        table.add_row("time", f"about {result.seconds['estimated']:,.0f} s in the models")
    else:
        table.add_row("embedded", counted(result.new))
        table.add_row("kept", counted(result.kept))
        table.add_row("segments", counted(result.segments))
    _left_out(table, result)
    if result.evaluation:
        table.add_row("evaluation", measured(result.evaluation, result.reason))
    if result.verdict:
        table.add_row("gate", gate(result.verdict, result.baseline, result.why))


def _forecast(table: Table, told: Forecast) -> None:
    """What a large source will take, where a dry run did not read it."""
    table.add_row("listed", f"{number_of(told.files, 'file')}, {told.bytes / 1e9:,.1f} GB")
    table.add_row("read", f"{told.sampled:,} of them; what follows is about that")
    table.add_row("files", counted(told.media))
    table.add_row("disk", f"{told.disk / 1e9:,.1f} GB")
    hours = f"{told.seconds / 3600:,.1f} h"
    parts = f"{told.reading / 3600:,.1f} h to read once, {told.models / 3600:,.1f} h in the models"
    table.add_row("time", f"{hours}: {parts}")


def _left_out(table: Table, result: IndexResult) -> None:
    """What could not be used, was mended, or is to be left alone."""
    if result.quarantined:
        _quarantined(table, result)
    if result.set_aside:
        table.add_row(
            "mended", f"[yellow]{number_of(len(result.set_aside), 'damaged file')} of the lake[/]"
        )
        for path in result.set_aside:
            table.add_row("", f"{plain(path)} [dim]kept as {plain(Path(path).name)}.damaged[/]")
    if result.forgotten:
        table.add_row("left out", number_of(result.forgotten, "forgotten file"))
    if result.waiting:
        table.add_row(
            "waiting", f"[yellow]{number_of(result.waiting, 'file')} written a moment ago[/]"
        )
    if result.truncated:
        long = number_of(result.truncated, "segment")
        table.add_row("cut", f"[yellow]{long} longer than a model takes[/]")
    erasure(table, result.erasure)


def _quarantined(table: Table, result: IndexResult) -> None:
    """How many for each reason, the first names, and what names the others."""
    table.add_row("quarantined", f"[yellow]{counted(result.quarantined)}[/]")
    for path, reason in result.examples.items():
        table.add_row("", f"{plain(path)} [dim]{reason}[/]")
    left = sum(result.quarantined.values()) - EXAMPLES
    if result.examples and left > 0:
        table.add_row("", f"[dim]{elsewhere(left)}[/]")
    if result.status != "planned":
        table.add_row("", "[dim]`mmindex quarantine` says what each means, and what to do[/]")


def _changed(result: IndexResult) -> str:
    """`` (2 new, 1 gone, 1 renamed, 3 changed)``, where there is such."""
    counts = {
        "new": result.items_added,
        "gone": result.items_gone,
        "renamed": result.items_renamed,
        "changed": result.items_changed,
    }
    said = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    return f" ({said})" if said else ""
