"""The report of an evaluation on disk: ``report.json`` and one static page."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from mmcore.evaluation.frontier import frontier
from mmcore.evaluation.scores import Report
from storage.places.atomic import write_bytes

JSON: Final = "report.json"
PAGE: Final = "report.html"


def write_report(report: Report, folder: Path) -> Path:
    """Write ``report.json``, then ``report.html``, into ``folder``; returns the page."""
    write_bytes(folder / JSON, report.model_dump_json(indent=2).encode())
    write_bytes(folder / PAGE, page(report).encode())
    return folder / PAGE


def page(report: Report) -> str:
    """One HTML page that needs no other file; whatever comes from the lake is escaped."""
    measures = list(dict.fromkeys(name for d in report.directions for name in d.means))
    return _template().render(report=report, measures=measures)


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("mmcore.evaluation", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["share"] = lambda value: f"{value:.3f}"
    environment.filters["count"] = lambda value: f"{value:,}"
    environment.filters["frontier"] = lambda found: Markup(frontier(found))
    return environment.get_template("report.html.jinja")
