"""How snapshots, what changed between them and what is wrong with them look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from flows.commands.evaluate.show_gate import alarms
from flows.commands.evaluate.show_scores import SHOWN, measured
from flows.commands.snapshots.words import WORDS
from flows.config.evaluate import OverrideResult
from flows.stages.outcome import made_at, segment_counts
from flows.terminal.chinese import MODALITIES
from flows.terminal.tables import MOST, bare
from flows.terminal.verdicts import verdict_line
from flows.terminal.wrapping import plain
from mmcore.counting import Number
from mmcore.media.reasons import Language
from storage import history
from storage.candidates import Blocked
from storage.layout import Layout
from storage.manifest import Evaluation, Manifest
from storage.schemas import Modality

if TYPE_CHECKING:  # they load faiss
    from storage.diff import Changes, SnapshotDiff
    from storage.verification.verify import Verification

MAIN = "RR"  # the measure that stands for a snapshot


def line_json(manifest: Manifest, evaluation: Evaluation | None) -> dict[str, Any]:
    """What a list of snapshots says of one; ``evaluation``: with who let it serve, if so."""
    return {
        "created_at": made_at(manifest).isoformat(),
        "parent": manifest.parent,
        "run": manifest.run,
        "items": _items(manifest),
        "segments": segment_counts(manifest),
        "partial": manifest.partial.model_dump() if manifest.partial else None,
        "evaluation": evaluation.status if evaluation else None,
        "score": _main(evaluation.scores) if evaluation else None,
        "verdict": evaluation.verdict if evaluation else None,
        "baseline": evaluation.baseline if evaluation else None,
        "override": _override(evaluation),
        "bytes": sum(file.bytes for file in manifest.files),
    }


def blocked_json(candidate: Blocked) -> dict[str, Any]:
    """What a list of snapshots says of a candidate that was not published."""
    return {
        "snapshot": candidate.number,
        "serves": False,
        "run": candidate.run,
        "created_at": candidate.when.isoformat() if candidate.when else None,
        "blocked": candidate.reason,
        "verdict": candidate.verdict,
    }


def _override(evaluation: Evaluation | None) -> dict[str, Any] | None:
    told = evaluation.override if evaluation else None
    return told.model_dump(mode="json") if told else None


def _items(manifest: Manifest) -> int:
    """The rows of the table items, whatever wrote the manifest."""
    return sum(file.rows for file in manifest.files if file.path.startswith("items/"))


def _main(scores: Mapping[str, Mapping[str, float]]) -> float | None:
    """The mean of ``MAIN`` over the directions of the lake's own queries that have it."""
    found = [means[MAIN] for means in history.held_out(scores).values() if MAIN in means]
    return sum(found) / len(found) if found else None


COLUMNS: Final = ("", "snapshot", "when", "items", "segments", "evaluation", MAIN, "gate", "MB")


def listed(out: Console, lines: Sequence[Mapping[str, Any]], language: Language = "en") -> None:
    """A row for each snapshot; a star for the one that serves."""
    words = WORDS[language]
    table = bare()
    for name in COLUMNS:
        left = name in ("", "when", "evaluation", "gate")
        table.add_column(words.get(name, name), justify="left" if left else "right")
    for line in lines:
        star, number = "[green]*[/]" if line["serves"] else "", str(line["snapshot"])
        if "error" in line or "blocked" in line:
            why = words["unreadable" if "error" in line else "blocked"]
            table.add_row(star, number, f"[red]{why}[/]")
            continue
        table.add_row(
            star,
            number,
            line["created_at"][:16].replace("T", " "),
            f"{line['items']:,}",
            f"{sum(line['segments'].values()):,}",
            measured(line["evaluation"], "", language) if line["evaluation"] else words["none"],
            "–" if line["score"] is None else f"{line['score']:.3f}",
            _gate(line, language),
            f"{line['bytes'] / 1e6:,.1f}",
        )
    out.print(table)
    for line in lines:
        for told, style in _beside(line, words):
            out.print(plain(told), style=style, soft_wrap=True, highlight=False)


def _beside(line: Mapping[str, Any], words: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What no column has room for, each with its colour."""
    if "error" in line:
        yield line["error"], "red"
    if line.get("override"):
        yield words["anyway"].format(snapshot=line["snapshot"], **_by(line["override"])), "yellow"
    if part := line.get("partial"):
        counts = {"files": part["files"], "of": part["of"]}
        yield words["part"].format(snapshot=line["snapshot"], **counts), "yellow"
    if "blocked" in line:
        yield words["candidate"].format(run=line["run"], blocked=line["blocked"]), "red"


def _by(override: Mapping[str, Any]) -> dict[str, str]:
    """Who let it serve, and why, for a sentence."""
    return {"name": override["name"], "reason": override["reason"]}


def _gate(line: Mapping[str, Any], language: Language) -> str:
    """The verdict; a plus for one that was published all the same."""
    if line["verdict"] is None:
        return "–"
    return verdict_line(line["verdict"], language) + ("+" if line["override"] else "")


def differences(out: Console, found: SnapshotDiff, language: Language = "en") -> None:
    """Counts first, then examples."""
    words = WORDS[language]
    out.print(words["diff"].format(before=found.before, after=found.after))
    table = bare()
    for name in ("", "added", "gone", "renamed", "changed"):
        table.add_column(words.get(name, name), justify="right" if name else "left")
    for name, changes in (("items", found.items), ("files", found.files)):
        table.add_row(words[name], *(f"{len(names):,}" for names in _kinds(changes).values()))
    for modality, (added, gone) in found.segments.items():
        medium = MODALITIES.get(modality, modality) if language == "zh" else modality
        table.add_row(words["of medium"].format(modality=medium), f"{added:,}", f"{gone:,}")
    out.print(table)
    for setting in found.settings:
        before, after = (
            plain(value or words["none"]) for value in (setting.before, setting.after)
        )
        out.print(f"[dim]{plain(setting.name)}[/]  {before} → {after}", soft_wrap=True)
    if found.scores:
        out.print(_scores(found.scores, words["direction"]))
    for name, changes in (("items", found.items), ("files", found.files)):
        for kind, names in _kinds(changes).items():
            title = words["of"].format(things=words[name], kind=words[kind])
            _examples(out, title, names, words["more"])


def _kinds(changes: Changes) -> dict[str, tuple[str, ...]]:
    return {
        "added": changes.added,
        "gone": changes.gone,
        "renamed": tuple(f"{before} → {after}" for before, after in changes.renamed),
        "changed": changes.changed,
    }


def _examples(out: Console, title: str, names: Sequence[str], more: str) -> None:
    if names:
        out.print(f"\n[bold]{title}[/]")
    for name in names[:MOST]:
        out.print(f"  {plain(name)}", highlight=False, soft_wrap=True)
    if len(names) > MOST:
        out.print(f"  [dim]{more.format(count=len(names) - MOST)}[/]")


def _scores(
    scores: Mapping[str, Mapping[str, tuple[float | None, float | None]]], head: str
) -> Table:
    table = bare()
    table.add_column(head)
    for name in SHOWN:
        table.add_column(name, justify="right")
    for direction, measures in scores.items():
        both = (measures.get(name, (None, None)) for name in SHOWN)
        table.add_row(direction, *(f"{_score(one)} → {_score(other)}" for one, other in both))
    return table


def _score(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def verified(
    out: Console, found: Verification, aside: Sequence[str], language: Language = "en"
) -> None:
    """One line for a sound snapshot, else a line for each finding, and for what was set aside."""
    words = WORDS[language]
    if not found.findings:
        counts = {"files": Number(found.files), "bytes": Number(found.bytes)}
        out.print(words["sound"].format(number=found.number, **counts), highlight=False)
    for finding in found.findings:
        out.print(
            f"[red]{plain(finding.path)}[/]: {plain(finding.why)}", highlight=False, soft_wrap=True
        )
    for name in aside:
        out.print(words["kept"].format(name=plain(name)), highlight=False, soft_wrap=True)


def interrupted(err: Console, language: Language = "en") -> None:
    """An erasure was begun and not ended, and who ends it."""
    err.print(WORDS[language]["interrupted"], style="yellow", highlight=False, soft_wrap=True)


def rolled_back(out: Console, before: int | None, number: int, language: Language = "en") -> None:
    """What serves now, what served before, and what becomes of going back."""
    words = WORDS[language]
    if before == number:
        out.print(words["already"].format(number=number), highlight=False)
        return
    then = words["unnamed"] if before is None else words["named"].format(number=before)
    out.print(words["serves"].format(number=number, then=then), highlight=False)
    if before is not None and number < before:
        out.print(words["again"], style="yellow", highlight=False, soft_wrap=True)


def overridden(out: Console, result: OverrideResult, language: Language = "en") -> None:
    """What serves now, by whom, and what could not be told."""
    words, before = WORDS[language], result.before
    then = words["nothing"] if before is None else words["named"].format(number=before)
    said = words["serves on" if result.snapshot == before else "serves"]
    out.print(said.format(number=result.snapshot, then=then))
    who = words["by"].format(name=result.name, reason=result.reason)
    out.print(plain(who), style="yellow", highlight=False, soft_wrap=True)
    alarms(out, [words["not notified"].format(who=line) for line in result.not_notified])


def parts(layout: Layout, manifest: Manifest, modality: Modality | None) -> list[dict[str, Any]]:
    """Table, path and rows of the Parquet files, of one medium or of all tables."""
    found = [
        {
            "table": str(PurePosixPath(file.path).parent),
            "path": str(layout.root / file.path),
            "rows": file.rows,
        }
        for file in manifest.files
        if file.path.endswith(".parquet")
    ]
    wanted = [part for part in found if modality is None or modality in _words(part["table"])]
    return sorted(wanted, key=lambda part: (str(part["table"]), str(part["path"])))


def _words(table: Any) -> tuple[str, ...]:
    """``("segments", "image")``, ``("embeddings", "image", "words-bb22")``."""
    top, *rest = PurePosixPath(table).parts
    places = {"segments": 0, "embeddings": 0, "spaces": 1}
    return (rest[places[top]],) if top in places else ()


def named(found: Sequence[Mapping[str, Any]]) -> None:
    """A line for each file, for `cut` and `awk`: never folded, never coloured."""
    for part in found:
        typer.echo(f"{part['table']}\t{part['rows']}\t{part['path']}")
