"""How a run of `mmindex index` looks on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from flows.commands.evaluate.show_gate import alarms, findings, gate, unproven
from flows.commands.evaluate.show_scores import measured, scores
from flows.commands.forget.show_ended import erasure
from flows.commands.index.words import WORDS
from flows.commands.quarantine.show import elsewhere
from flows.config.index import Forecast, IndexResult
from flows.stages.outcome import EXAMPLES
from flows.terminal.tables import counted, grid
from flows.terminal.wrapping import plain
from mmcore.counting import Number
from mmcore.media.reasons import Language


def indexed(out: Console, result: IndexResult, language: Language = "en") -> None:
    """The summary of `mmindex index`."""
    words = WORDS[language]
    out.print(words[result.status].format(snapshot=result.snapshot))
    table = grid()
    if result.forecast:
        _forecast(table, result.forecast, language)
    else:
        _done(table, result, language)
    table.add_row(words["lake"], escape(result.lake))
    if result.report:
        table.add_row(words["report"], escape(result.report))
    out.print(table)
    findings(out, result.findings, language)
    unproven(out, result.unproven, language)
    alarms(out, [words["not notified"].format(who=who) for who in result.not_notified])
    if result.scores and result.status == "published":
        out.print(scores(result.scores, words["direction"]))


def _done(table: Table, result: IndexResult, language: Language) -> None:
    """What a run did, or would do, and what the gate said."""
    words = WORDS[language]
    table.add_row(words["items"], f"{result.items:,}{_changed(result, words)}")
    table.add_row(words["files"], counted(result.files, language))
    if result.status == "planned":
        table.add_row(words["to embed"], counted(result.new, language))
        table.add_row(words["disk"], words["about"].format(size=result.bytes_needed / 1e6))
        seconds = result.seconds["estimated"]
        table.add_row(words["time"], words["seconds"].format(seconds=seconds))
    else:
        table.add_row(words["embedded"], counted(result.new, language))
        table.add_row(words["kept"], counted(result.kept, language))
        table.add_row(words["segments"], counted(result.segments, language))
    _left_out(table, result, language)
    if result.evaluation:
        told = measured(result.evaluation, result.reason, language)
        table.add_row(words["evaluation"], told)
    if result.verdict:
        table.add_row(words["gate"], gate(result.verdict, result.baseline, result.why, language))


def _forecast(table: Table, told: Forecast, language: Language) -> None:
    """What a large source will take, where a dry run did not read it."""
    words = WORDS[language]
    sized = words["sized"].format(count=Number(told.files), size=told.bytes / 1e9)
    table.add_row(words["listed"], sized)
    table.add_row(words["read"], words["sampled"].format(count=told.sampled))
    table.add_row(words["files"], counted(told.media, language))
    table.add_row(words["disk"], f"{told.disk / 1e9:,.1f} GB")
    hours = {"all": told.seconds, "reading": told.reading, "models": told.models}
    parts = {name: seconds / 3600 for name, seconds in hours.items()}
    table.add_row(words["time"], words["hours"].format(**parts))


def _left_out(table: Table, result: IndexResult, language: Language) -> None:
    """What could not be used, was mended, or is to be left alone."""
    words = WORDS[language]

    def row(name: str, told: str, count: int) -> None:
        table.add_row(words[name], f"[yellow]{words[told].format(count=Number(count))}[/]")

    if result.quarantined:
        _quarantined(table, result, language)
    if result.set_aside:
        row("mended", "damaged", len(result.set_aside))
        for path in result.set_aside:
            aside = words["aside"].format(name=plain(Path(path).name))
            table.add_row("", f"{plain(path)} [dim]{aside}[/]")
    if result.forgotten:
        told = words["forgotten"].format(count=Number(result.forgotten))
        table.add_row(words["left out"], told)
    if result.waiting:
        row("waiting", "written", result.waiting)
    if result.truncated:
        row("cut", "long", result.truncated)
    erasure(table, result.erasure, language)


def _quarantined(table: Table, result: IndexResult, language: Language) -> None:
    """How many for each reason, the first names, and what names the others."""
    words = WORDS[language]
    told = counted(result.quarantined, language)
    table.add_row(words["quarantined"], f"[yellow]{told}[/]")
    for path, reason in result.examples.items():
        table.add_row("", f"{plain(path)} [dim]{reason}[/]")
    left = sum(result.quarantined.values()) - EXAMPLES
    if result.examples and left > 0:
        table.add_row("", f"[dim]{elsewhere(left, language)}[/]")
    if result.status != "planned":
        table.add_row("", f"[dim]{words['groups']}[/]")


def _changed(result: IndexResult, words: Mapping[str, str]) -> str:
    """`` (2 new, 1 gone, 1 renamed, 3 changed)``, where there is such."""
    counts = {
        "new": result.items_added,
        "gone": result.items_gone,
        "renamed": result.items_renamed,
        "changed": result.items_changed,
    }
    said = [words[name].format(count=count) for name, count in counts.items() if count]
    return words["counts"].format(counts=words["comma"].join(said)) if said else ""
