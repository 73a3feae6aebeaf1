"""The report as one HTML file for people: no script, no address of another host, two languages."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from mmcore.evaluation.reporting import trend, verdict, views
from mmcore.evaluation.reporting.frontier import frontier
from mmcore.evaluation.reporting.pictures import NONE, Pictures, pictures_of, plays
from mmcore.evaluation.reporting.words import listed, mask, named, number, phrase, side, told
from mmcore.evaluation.scores import Report
from storage.history import Entry
from storage.places.atomic import write_bytes
from storage.snapshot import Snapshot

PAGE: Final = "report.html"
_MAIN: Final = {"Success@1", "Success@10", "RR", "nDCG@10"}  # where room is small


def write_page(
    report: Report, snapshot: Snapshot | None, folder: Path, history: Sequence[Entry] = ()
) -> Path:
    """Write ``report.html`` into ``folder`` and return it; without a snapshot, no pictures.

    ``history``: evaluations of this lake; those before the report make its trend.
    """
    pictures = NONE if snapshot is None else pictures_of(report, snapshot)
    write_bytes(folder / PAGE, page(report, history, pictures).encode())
    return folder / PAGE


def page(report: Report, history: Sequence[Entry] = (), pictures: Pictures = NONE) -> str:
    """The page; whatever comes from the lake is escaped."""
    nights = trend.nights(report, history)
    measure, charts = trend.charts_of(nights)
    first, rest = verdict.changes(report.verdict)
    directions = views.by_interest(report)
    measures = list(dict.fromkeys(name for d in report.directions for name in d.means))
    return _template().render(
        report=report,
        banner=verdict.banner(report),
        changes=first,
        more_changes=rest,
        nights=len(nights),
        trend=charts,
        trend_measure=measure,
        gaps=views.gaps(report),
        groups=views.by_target(report),
        measures=measures,
        main_measures=[name for name in measures if name in _MAIN],
        confusions=views.confusions(directions),
        interesting=directions,
        pictures=pictures,
        drift=[one for one in report.drift if one.common],  # else there is nothing to hold against
        changed=list(views.ordered_changes(report)),
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("mmcore.evaluation.reporting", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "share": lambda value: f"{value:.3f}",
        "count": lambda value: f"{value:,}",
        "number": number,
        "named": named,
        "side": side,
        "told": told,
        "mask": mask,
        "listed": listed,
        "frontier": frontier,
    }
    environment.globals |= {
        "t": phrase,
        "asked_with": views.asked_with,
        "label": views.label,
        "languages": views.languages,
        "unscored": views.unscored,
        "plays": plays,
        "EXACT": views.EXACT,
    }
    return environment.get_template("report.html.jinja")
