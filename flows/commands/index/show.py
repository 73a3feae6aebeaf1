"""How results look on a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.commands.evaluate.show_gate import alarms, findings, unproven, verdict_line
from flows.config.index import EndedErasure, Forecast, IndexResult
from flows.config.maintain import Compacted, MaintainResult
from flows.stages.outcome import EXAMPLES, made_at, report_of, segment_counts
from flows.terminal.wrapping import plain as plain  # noqa: PLC0414 - for others
from storage import history
from storage.layout import Layout
from storage.manifest import EncoderEntry, Manifest
from storage.schemas import Modality

SHOWN = ("Success@1", "Success@10", "RR")


def indexed(out: Console, result: IndexResult) -> None:
    """The summary of `mmindex index`."""
    head = {
        "published": f"[green]published[/] snapshot {result.snapshot}",
        "unchanged": f"nothing changed: snapshot {result.snapshot} still serves;"
        " nothing was embedded, nothing was published",
        "planned": "dry run: nothing was done",
    }[result.status]
    out.print(f"[bold]mmindex[/] {head}")
    table = _grid()
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
    table.add_row("files", _counted(result.files))
    if result.status == "planned":
        table.add_row("to embed", _counted(result.new))
        table.add_row("disk", f"about {result.bytes_needed / 1e6:,.1f} MB")
        table.add_row("time", f"about {result.seconds['estimated']:,.0f} s in the models")
    else:
        table.add_row("embedded", _counted(result.new))
        table.add_row("kept", _counted(result.kept))
        table.add_row("segments", _counted(result.segments))
    _left_out(table, result)
    if result.evaluation:
        table.add_row("evaluation", _evaluation(result.evaluation, result.reason))
    if result.verdict:
        table.add_row("gate", gate(result.verdict, result.baseline, result.why))


def _forecast(table: Table, told: Forecast) -> None:
    """What a large source will take, where a dry run did not read it."""
    table.add_row("listed", f"{told.files:,} files, {told.bytes / 1e9:,.1f} GB")
    table.add_row("read", f"{told.sampled:,} of them; what follows is about that")
    table.add_row("files", _counted(told.media))
    table.add_row("disk", f"{told.disk / 1e9:,.1f} GB")
    hours = f"{told.seconds / 3600:,.1f} h"
    parts = f"{told.reading / 3600:,.1f} h to read once, {told.models / 3600:,.1f} h in the models"
    table.add_row("time", f"{hours}: {parts}")


def _left_out(table: Table, result: IndexResult) -> None:
    """What could not be used, was mended, or is to be left alone."""
    if result.quarantined:
        _quarantined(table, result)
    if result.set_aside:
        table.add_row("mended", f"[yellow]{len(result.set_aside)} damaged files of the lake[/]")
        for path in result.set_aside:
            table.add_row("", f"{plain(path)} [dim]kept as {plain(Path(path).name)}.damaged[/]")
    if result.forgotten:
        count = f"{result.forgotten:,} forgotten file{'' if result.forgotten == 1 else 's'}"
        table.add_row("left out", count)
    if result.waiting:
        table.add_row("waiting", f"[yellow]{result.waiting:,} files written a moment ago[/]")
    if result.truncated:
        table.add_row("cut", f"[yellow]{result.truncated:,} segments longer than a model takes[/]")
    _erasure(table, result.erasure)


def _quarantined(table: Table, result: IndexResult) -> None:
    """How many for each reason, the first names, and what names the others."""
    table.add_row("quarantined", f"[yellow]{_counted(result.quarantined)}[/]")
    for path, reason in result.examples.items():
        table.add_row("", f"{plain(path)} [dim]{reason}[/]")
    left = sum(result.quarantined.values()) - EXAMPLES
    if result.examples and left > 0:
        table.add_row("", f"[dim]{_more(left)}[/]")
    if result.status != "planned":
        table.add_row("", "[dim]`mmindex quarantine` says what each means, and what to do[/]")


def _more(left: int) -> str:
    """How many files in quarantine are not named, and what names them."""
    return f"and {left:,} more: mmindex quarantine --list"


def _erasure(table: Table, found: EndedErasure | None) -> None:
    """What became of an erasure that waited."""
    if found is None:
        return
    if found.ended:
        numbers = _numbers(found.reissued)
        table.add_row("erasure", f"ended: snapshots {numbers} written anew; nothing of it found")
    else:
        table.add_row("erasure", f"[bold red]NOT ENDED[/] {plain(found.why)}")


def _changed(result: IndexResult) -> str:
    """`` (2 new, 1 gone)``, where there is such."""
    counts = {"new": result.items_added, "gone": result.items_gone}
    said = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count)
    return f" ({said})" if said else ""


def _evaluation(status: str, reason: str) -> str:
    return f"{status}: {escape(reason)}" if reason else status


def gate(verdict: str, baseline: int | None, why: str = "") -> str:
    """What the gate said of a snapshot, compared with which, or why not."""
    told = verdict_line(verdict, "en")
    told += f", compared with snapshot {baseline}" if baseline is not None else ""
    return f"{told}: {plain(why)}" if why else told


def _grid() -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    return table


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count) or "none"


def maintained(out: Console, result: MaintainResult) -> None:
    """The summary of `mmindex maintain`."""
    planned = result.status == "planned"
    count, size = sum(result.files.values()), sum(result.bytes.values()) / 1e6
    verb = "would remove" if planned else "removed"
    what = f"{count:,} files, {size:,.1f} MB" if count else "nothing"
    mood = "dry run: " if planned else ""
    out.print(
        f"[bold]mmindex[/] {mood}{_compacted(result.compacted, planned=planned)}{verb} {what}"
    )
    table = _grid()
    for kind, files in result.files.items():
        table.add_row(kind, f"{files:,} files, {result.bytes[kind] / 1e6:,.1f} MB")
    if result.compacted.parts_before:
        table.add_row("old parts", _old_parts(result.compacted))
    elif result.compacted.left_out:
        table.add_row("not compacted", escape(result.compacted.left_out))
    table.add_row("serves", f"snapshot {result.snapshot}")
    table.add_row("stay", f"snapshots {_numbers(result.kept)}")
    table.add_row("go", f"snapshots {_numbers(result.gone)}")
    _erasure(table, result.erasure)
    if result.candidates:
        table.add_row("stay", f"candidates {plain(', '.join(result.candidates))}")
    table.add_row("lake", escape(result.lake))
    out.print(table)


def _compacted(found: Compacted, *, planned: bool) -> str:
    """``compacted 48 parts into 2, ``, where there were such."""
    told = ""
    if found.parts_before:
        verb = "would compact" if planned else "compacted"
        told += f"{verb} {found.parts_before:,} parts into {found.parts_after:,}, "
    if found.indexes:
        verb = "would build" if planned else "built"
        told += f"{verb} {found.indexes:,} indexes afresh, "
    return told


def _old_parts(found: Compacted) -> str:
    """What the old files take, and until when."""
    before, after = (size / 1e6 for size in (found.bytes_before, found.bytes_after))
    return f"{before:,.1f} MB, now {after:,.1f} MB; they go with the last snapshot that names them"


def _numbers(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers)) or "none"


def scores(directions: Mapping[str, Mapping[str, float]], head: str = "direction") -> Table:
    """Means per direction: the measures that fit a terminal; ``head`` is over the directions."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    table.add_column(head)
    for name in SHOWN:
        table.add_column(name, justify="right")
    for direction, means in directions.items():
        table.add_row(
            direction, *(f"{means[name]:.3f}" if name in means else "–" for name in SHOWN)
        )
    return table


def status(out: Console, layout: Layout, manifest: Manifest) -> None:
    """The published snapshot in figures."""
    out.print(f"[bold]snapshot {manifest.number}[/] of {made_at(manifest):%Y-%m-%d %H:%M} UTC")
    table = _grid()
    table.add_row("lake", escape(str(layout.root)))
    table.add_row(
        "sources", escape(", ".join(f"{a}={url}" for a, url in manifest.sources.items()))
    )
    if part := part_line(manifest):
        table.add_row("a part", f"[yellow]{part}[/]")
    table.add_row("items", f"{manifest.counts.get('items', 0):,}")
    table.add_row("segments", _counted(segment_counts(manifest)))
    table.add_row("preset", escape(manifest.preset))
    table.add_row(
        "encoders", ", ".join(f"{e.name} ({e.modality}, {e.dim}-d)" for e in manifest.encoders)
    )
    if manifest.projection:
        table.add_row("projection", projection_line(manifest))
    table.add_row(
        "indexes", ", ".join(f"{i.name} ({i.rows:,})" for i in manifest.indexes) or "none"
    )
    table.add_row(
        "size",
        f"{sum(f.bytes for f in manifest.files) / 1e6:,.1f} MB in {len(manifest.files)} files",
    )
    evaluation = history.as_told(layout, manifest)
    table.add_row(
        "evaluation", _evaluation(evaluation.status, evaluation.reason) if evaluation else "none"
    )
    if evaluation and evaluation.verdict:
        table.add_row("gate", gate(evaluation.verdict, evaluation.baseline))
    if evaluation and evaluation.override:
        override = evaluation.override
        table.add_row(
            "", f"published all the same by {plain(f'{override.name}: {override.reason}')}"
        )
    if report := report_of(layout, manifest):
        table.add_row("report", escape(report))
    out.print(table)
    if evaluation and evaluation.scores:
        out.print(scores(evaluation.scores))


MOST = 20  # quarantined files that a terminal shows


def quarantine(out: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    """The files that could not be used, each with its reason."""
    if not rows:
        return
    out.print(f"\n[yellow]{len(rows):,} in quarantine[/]")
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name in ("file", "reason", "message"):
        table.add_column(name, overflow="fold")
    for row in rows[:MOST]:
        table.add_row(plain(row["path"]), row["reason"], plain(row["message"] or ""))
    out.print(table)
    if len(rows) > MOST:
        out.print(f"[dim]{_more(len(rows) - MOST)}[/]")
    out.print("[dim]`mmindex quarantine` groups them, and says what to do[/]")


HEADS = {
    "fitted": "fitted on pairs",
    "label": "by class names, too few pairs to fit",
    "background": "by general texts, too few to fit",
    "joint": "as it is, in the space that others are led into",
}


def projection_line(manifest: Manifest) -> str:
    """``e5-small/p1: text fitted on pairs, image …, audio not joined yet``."""
    projection = manifest.projection
    if projection is None:
        return "none yet"
    said = [f"{e.modality} {_joined(manifest, e)}" for e in manifest.encoders]
    return f"{projection.space}: {'; '.join(said)}"


def _joined(manifest: Manifest, encoder: EncoderEntry) -> str:
    """How an encoder's vectors come into the shared space, or why they do not."""
    joined = manifest.joins(encoder)
    state = manifest.projection.states.get(encoder.name) if manifest.projection else None
    if state is not None and joined:
        return HEADS.get(state, state)
    texts = {e.space for e in manifest.encoders if e.modality == Modality.TEXT}
    if encoder.space in texts:
        return f"in the space {encoder.space}, which texts have too"
    return "not joined yet, too few pairs"


def part_line(manifest: Manifest) -> str:
    """Of a snapshot that a first run published on its way: how much it holds; else ""."""
    part = manifest.partial
    if part is None:
        return ""
    return f"{part.files:,} of {part.of:,} files: the first run goes on, or has to be run again"


def status_json(layout: Layout, manifest: Manifest) -> dict[str, Any]:
    """The published snapshot for programs."""
    evaluation = history.as_told(layout, manifest)
    return {
        "lake": str(layout.root),
        "snapshot": manifest.number,
        "created_at": made_at(manifest).isoformat(),
        "sources": manifest.sources,
        "counts": manifest.counts,
        "partial": manifest.partial.model_dump() if manifest.partial else None,
        "preset": manifest.preset,
        "encoders": [entry.model_dump() for entry in manifest.encoders],
        "projection": manifest.projection.model_dump() if manifest.projection else None,
        "indexes": [entry.model_dump() for entry in manifest.indexes],
        "bytes": sum(file.bytes for file in manifest.files),
        "evaluation": evaluation.model_dump() if evaluation else None,
        "report": report_of(layout, manifest),
    }
