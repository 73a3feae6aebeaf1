"""Pieces of a page in Markdown, in two languages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from flows.orchestration.run import Run
from flows.telling.summary.words import SAID
from flows.terminal.chinese import stage as stage_in

_LIVELY: Final = re.compile(r"([\\`*_{}\[\]<>#|~])")


def both(name: str, /, **facts: object) -> str:
    """A word or a sentence in English and in Chinese."""
    return " · ".join(dict.fromkeys(said.format(**facts) for said in SAID[name]))


def plain(text: object) -> str:
    """A text that is nothing but text: what Markdown would make something of is escaped."""
    return _LIVELY.sub(r"\\\1", " ".join(str(text).split()))


def counted(counts: Mapping[str, int]) -> str:
    """``10 image, 12 text``."""
    return ", ".join(f"{n:,} {plain(name)}" for name, n in counts.items() if n) or "–"


def facts(rows: Mapping[str, str]) -> list[str]:
    """A table of two columns, of what there is something to say of."""
    lines = [f"| {both(name)} | {value} |" for name, value in rows.items() if value]
    return ["|  |  |", "|---|---|", *lines, ""]


def prose(*lines: str) -> list[str]:
    """A paragraph for each that says something: cells of a table are cut, not wrapped."""
    return [line for text in lines if text for line in (text, "")]


def section(name: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A headed table, numbers to the right; nothing where it has no row."""
    lines = [f"| {' | '.join(cells)} |" for cells in rows]
    if not lines:
        return []
    head = f"| {' | '.join(both(one) for one in heads)} |"
    return [f"## {both(name)}", "", head, f"|---|{'--:|' * (len(heads) - 1)}", *lines, ""]


def stages(seconds: Mapping[str, float]) -> list[str]:
    """The stages with their seconds."""
    rows = [
        (" · ".join(dict.fromkeys((plain(name), stage_in(name, "zh")))), f"{took:,.1f}")
        for name, took in seconds.items()
    ]
    return section("stages", ("stage", "seconds"), rows)


def scores(directions: Mapping[str, Mapping[str, float]]) -> list[str]:
    """Means over each direction's queries: the measures that a terminal shows."""
    shown = ("Success@1", "Success@10", "RR")
    rows = [
        (plain(name), *(f"{means[one]:.3f}" if one in means else "–" for one in shown))
        for name, means in directions.items()
    ]
    return section("retrieval", ("direction", *shown), rows)


def places(run: Run, report: str | None) -> dict[str, str]:
    """Where lake and report are; of a private lake neither."""
    if run.private:
        return {"lake": f"`{run.lake}`"}
    return {"lake": _copied(run.lake), "report": _copied(report) if report else ""}


def _copied(place: str) -> str:
    """A place to copy; no link: browsers follow no ``file:`` address from a server's page."""
    return f"`{place.replace('`', '?').replace('|', '?')}`"
