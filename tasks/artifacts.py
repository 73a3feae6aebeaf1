"""Prefect artifacts of a report: what its flow run shows of it, if a server is there."""

from __future__ import annotations

import base64
import logging
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from prefect.artifacts import (
    create_image_artifact,
    create_markdown_artifact,
    create_table_artifact,
)
from prefect.context import FlowRunContext

from mmcore.evaluation.reporting import trend, verdict
from mmcore.evaluation.reporting.words import Phrase, named, signed, told
from mmcore.evaluation.scores import Report
from storage.history import Entry
from tasks.summary import quickly

log = logging.getLogger(__name__)

KEY: Final = "retrieval"  # keys have lower-case letters, digits and dashes
_NOT_KEY: Final = re.compile(r"[^a-z0-9]+")


def show(
    report: Report, page: Path | None, history: Sequence[Entry] = (), *, private: bool = False
) -> list[str]:
    """Put a report onto the flow run: scores, verdict, page and trend; outside of a run, nothing.

    A server keeps them for everybody who may look at it: of the lake they have numbers and names
    of directions alone, and of a ``private`` one no path of the page either. Returns what could
    not be shown; nothing that goes wrong here raises.
    """
    if FlowRunContext.get() is None:
        return []
    made: dict[str, Callable[[], object]] = {
        "scores": lambda: create_table_artifact(
            scores(report), key=_key("scores"), description="Means over each direction's queries."
        ),
        "verdict": lambda: create_markdown_artifact(markdown(report), key=_key("verdict")),
    }
    if page is not None and not private:
        place = f"`{str(page).replace('`', '?')}`"  # no link: no browser follows one from there
        made["report"] = lambda: create_markdown_artifact(
            place, key=_key("report"), description="Where the report lies."
        )
    charts = trend.charts_of(trend.nights(report, history))[1] if history else []
    for chart in (one for one in charts if not one.set):
        name = f"trend-{chart.target.en}"
        made[name] = lambda name=name, chart=chart: create_image_artifact(  # type: ignore[misc]
            picture(chart), key=_key(name), description=f"→ {chart.target.en}"
        )
    with quickly():
        return [name for name, make in made.items() if not _shown(name, make)]


def scores(report: Report) -> list[dict[str, Any]]:
    """One row a direction, of Python's own numbers."""
    return [
        {
            "direction": named(d.name).en if d.set == "held-out" else f"{d.set}: {d.name}",
            "queries": d.queries,
            "gallery": d.gallery,
            **{name: round(float(value), 4) for name, value in d.means.items()},
            "median rank": float(d.median_rank),
        }
        for d in report.directions
    ]


def markdown(report: Report) -> str:
    """The verdict, its findings, and what was compared, in both languages where it is prose."""
    banner, of = verdict.banner(report), report.verdict
    lines = [f"# {banner.sign} {_both(banner.word)}", "", _both(banner.headline)]
    lines += ["", *(f"- {_both(told(finding))}" for finding in banner.others)]
    if of is not None and of.compared:
        lines += ["", f"Against snapshot {of.baseline}:", "", *_table(report)]
    return "\n".join(lines)


def picture(chart: trend.Chart) -> str:
    """A chart as an address of its own data."""
    svg = str(chart.picture).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1)
    svg = svg.replace(">", f"><style>{_STYLE}</style>", 1)
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"


_STYLE: Final = (
    "svg{background:#fff;font:10.5px sans-serif}.zh{display:none}.grid{stroke:#e2e5ea}"
    ".goal{stroke:#8a94a1;stroke-dasharray:3 3}.line{fill:none;stroke:var(--c);stroke-width:1.6}"
    ".dot{fill:var(--c)}.cross{fill:none;stroke:#c0272d;stroke-width:2}text.label{fill:var(--c)}"
    ".axis{fill:#8a94a1}.end{text-anchor:end}.s0{--c:#c2410c}.s1{--c:#2563b8}.s2{--c:#15803d}"
    ".s3{--c:#7e3fb2}.s4{--c:#8a6a00}.s5{--c:#5c6673}"
)


def _table(report: Report) -> list[str]:
    first, rest = verdict.changes(report.verdict)
    head = ["| Direction | Measure | Before | Now | Change | p, corrected | Result |"]
    return [
        *head,
        "|---|---|--:|--:|--:|--:|---|",
        *(
            f"| {row.name.en} | {row.of.measure} | {row.of.before:.3f} | {row.of.after:.3f}"
            f" | {row.sign} {signed(-row.of.drop)} | {row.of.adjusted:.3f} | {row.result.en} |"
            for row in [*first, *rest]
        ),
    ]


def _both(phrase: Phrase) -> str:
    return phrase.en if phrase.en == phrase.zh else f"{phrase.en} · {phrase.zh}"


def _key(name: str) -> str:
    return f"{KEY}-{_NOT_KEY.sub('-', name.lower()).strip('-')}"


def _shown(name: str, make: Callable[[], object]) -> bool:
    """What Prefect says to an artifact changes no verdict."""
    try:
        make()
    except Exception as error:  # noqa: BLE001 - a verdict is worth more than its picture
        log.warning("Prefect keeps no %s of the report: %s", name, error)
        return False
    return True
