"""How the published snapshot looks on a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.markup import escape

from flows.commands.evaluate.show_gate import gate
from flows.commands.evaluate.show_scores import measured, scores
from flows.commands.quarantine.show import elsewhere
from flows.stages.outcome import made_at, report_of, segment_counts
from flows.terminal.tables import MOST, bare, counted, grid
from flows.terminal.wrapping import plain
from mmcore.counting import number_of
from storage import history
from storage.layout import Layout
from storage.manifest import EncoderEntry, Manifest
from storage.schemas import Modality

HEADS: Final = {
    "fitted": "fitted on pairs",
    "label": "by class names, too few pairs to fit",
    "background": "by general texts, too few to fit",
    "joint": "as it is, in the space that others are led into",
}


def status(out: Console, layout: Layout, manifest: Manifest, empty: int = 0) -> None:
    """The published snapshot in figures; ``empty``: of its items, those without content."""
    out.print(f"[bold]snapshot {manifest.number}[/] of {made_at(manifest):%Y-%m-%d %H:%M} UTC")
    table = grid()
    table.add_row("lake", escape(str(layout.root)))
    table.add_row(
        "sources", escape(", ".join(f"{a}={url}" for a, url in manifest.sources.items()))
    )
    if part := part_line(manifest):
        table.add_row("a part", f"[yellow]{part}[/]")
    without = f" ({empty:,} without content: no file of theirs could be used)" if empty else ""
    table.add_row("items", f"{manifest.counts.get('items', 0):,}{without}")
    table.add_row("segments", counted(segment_counts(manifest)))
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
        f"{sum(f.bytes for f in manifest.files) / 1e6:,.1f} MB in"
        f" {number_of(len(manifest.files), 'file')}",
    )
    evaluation = history.as_told(layout, manifest)
    table.add_row(
        "evaluation", measured(evaluation.status, evaluation.reason) if evaluation else "none"
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


def quarantine(out: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    """The files that could not be used, each with its reason."""
    if not rows:
        return
    out.print(f"\n[yellow]{len(rows):,} in quarantine[/]")
    table = bare()
    for name in ("file", "reason", "message"):
        table.add_column(name, overflow="fold")
    for row in rows[:MOST]:
        table.add_row(plain(row["path"]), row["reason"], plain(row["message"] or ""))
    out.print(table)
    if len(rows) > MOST:
        out.print(f"[dim]{elsewhere(len(rows) - MOST)}[/]")
    out.print("[dim]`mmindex quarantine` groups them, and says what to do[/]")


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


def status_json(layout: Layout, manifest: Manifest, empty: int = 0) -> dict[str, Any]:
    """The published snapshot for programs."""
    evaluation = history.as_told(layout, manifest)
    return {
        "lake": str(layout.root),
        "snapshot": manifest.number,
        "created_at": made_at(manifest).isoformat(),
        "sources": manifest.sources,
        "counts": manifest.counts,
        "items_without_content": empty,
        "partial": manifest.partial.model_dump() if manifest.partial else None,
        "preset": manifest.preset,
        "encoders": [entry.model_dump() for entry in manifest.encoders],
        "projection": manifest.projection.model_dump() if manifest.projection else None,
        "indexes": [entry.model_dump() for entry in manifest.indexes],
        "bytes": sum(file.bytes for file in manifest.files),
        "evaluation": evaluation.model_dump() if evaluation else None,
        "report": report_of(layout, manifest),
    }
