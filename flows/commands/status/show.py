"""How the published snapshot looks on a terminal, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.markup import escape

from flows.commands.evaluate.show_gate import gate
from flows.commands.evaluate.show_scores import measured, scores
from flows.commands.quarantine.show import elsewhere
from flows.commands.status.words import WORDS
from flows.stages.outcome import made_at, report_of, segment_counts
from flows.terminal.chinese import MODALITIES
from flows.terminal.tables import MOST, bare, counted, grid
from flows.terminal.wrapping import plain
from mmcore.counting import Number
from mmcore.media.reasons import Language
from storage import history
from storage.layout import Layout
from storage.manifest import EncoderEntry, Evaluation, Manifest
from storage.schemas import Modality

HEADS: Final = frozenset({"fitted", "label", "background", "joint"})
"""States of a head that have words."""


def status(
    out: Console,
    layout: Layout,
    manifest: Manifest,
    empty: int = 0,
    *,
    language: Language = "en",
) -> None:
    """The published snapshot in figures; ``empty``: of its items, those without content."""
    words = WORDS[language]
    out.print(words["head"].format(number=manifest.number, when=made_at(manifest)))
    table = grid()
    for name, told in _holds(layout, manifest, empty, language):
        table.add_row(words[name], told)
    evaluation = history.as_told(layout, manifest)
    for name, told in _judged(evaluation, language):
        table.add_row(words.get(name, ""), told)
    if report := report_of(layout, manifest):
        table.add_row(words["report"], escape(report))
    out.print(table)
    if evaluation and evaluation.scores:
        out.print(scores(evaluation.scores, words["direction"]))


def _holds(
    layout: Layout, manifest: Manifest, empty: int, language: Language
) -> Iterator[tuple[str, str]]:
    """What there is, line by line, each under the name of its word."""
    words = WORDS[language]
    comma, none = words["comma"], words["none"]
    yield "lake", escape(str(layout.root))
    yield "sources", escape(comma.join(f"{a}={url}" for a, url in manifest.sources.items()))
    if part := part_line(manifest, language):
        yield "part", f"[yellow]{part}[/]"
    without = words["empty"].format(count=empty) if empty else ""
    yield "items", f"{manifest.counts.get('items', 0):,}{without}"
    yield "segments", counted(segment_counts(manifest), language)
    yield "preset", escape(manifest.preset)
    yield (
        "encoders",
        comma.join(
            words["encoder"].format(name=e.name, modality=_medium(e.modality, language), dim=e.dim)
            for e in manifest.encoders
        ),
    )
    if manifest.projection:
        yield "projection", projection_line(manifest, language)
    yield "indexes", comma.join(f"{i.name} ({i.rows:,})" for i in manifest.indexes) or none
    size, count = sum(f.bytes for f in manifest.files) / 1e6, Number(len(manifest.files))
    yield "size", words["bytes"].format(size=size, count=count)


def _judged(evaluation: Evaluation | None, language: Language) -> Iterator[tuple[str, str]]:
    """Whether it was measured, and what the gate said; a name without a word goes on a line."""
    words = WORDS[language]
    if evaluation is None:
        yield "evaluation", words["none"]
        return
    yield "evaluation", measured(evaluation.status, evaluation.reason, language)
    if evaluation.verdict:
        yield "gate", gate(evaluation.verdict, evaluation.baseline, language=language)
    if told := evaluation.override:
        yield "", plain(words["override"].format(name=told.name, reason=told.reason))


def quarantine(out: Console, rows: Sequence[Mapping[str, Any]], language: Language = "en") -> None:
    """The files that could not be used, each with its reason."""
    if not rows:
        return
    words = WORDS[language]
    out.print(f"\n[yellow]{words['quarantine'].format(count=len(rows))}[/]")
    table = bare()
    for name in ("file", "reason", "message"):
        table.add_column(words[name], overflow="fold")
    for row in rows[:MOST]:
        table.add_row(plain(row["path"]), row["reason"], plain(row["message"] or ""))
    out.print(table)
    if len(rows) > MOST:
        out.print(f"[dim]{elsewhere(len(rows) - MOST, language)}[/]")
    out.print(f"[dim]{words['groups']}[/]")


def projection_line(manifest: Manifest, language: Language = "en") -> str:
    """``e5-small/p1: text fitted on pairs; image …; audio not joined yet``."""
    words, projection = WORDS[language], manifest.projection
    if projection is None:
        return words["none yet"]
    said = [
        f"{_medium(e.modality, language)} {_joined(manifest, e, language)}"
        for e in manifest.encoders
    ]
    return f"{projection.space}{words['colon']}{words['semicolon'].join(said)}"


def _medium(modality: str, language: Language) -> str:
    return MODALITIES.get(modality, modality) if language == "zh" else modality


def _joined(manifest: Manifest, encoder: EncoderEntry, language: Language) -> str:
    """How an encoder's vectors come into the shared space, or why they do not."""
    words, joined = WORDS[language], manifest.joins(encoder)
    state = manifest.projection.states.get(encoder.name) if manifest.projection else None
    if state is not None and joined:
        return words[state] if state in HEADS else state
    texts = {e.space for e in manifest.encoders if e.modality == Modality.TEXT}
    if encoder.space in texts:
        return words["same space"].format(space=encoder.space)
    return words["not joined"]


def part_line(manifest: Manifest, language: Language = "en") -> str:
    """Of a snapshot that a first run published on its way: how much it holds; else ""."""
    part = manifest.partial
    if part is None:
        return ""
    return WORDS[language]["of"].format(files=part.files, of=part.of)


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
