"""The report as one HTML file for people: no address of another host, in two languages.

Its only script picks the language that it begins in, by that of the browser; without scripts it
begins in English. The page's own policy names the script by its hash, and no other runs.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from jinja2 import Template
from markupsafe import Markup

from mmcore.counting import Number
from mmcore.evaluation.reporting import trend, verdict, views
from mmcore.evaluation.reporting.frontier import frontier
from mmcore.evaluation.reporting.pictures import NONE, Pictures, pictures_of, plays
from mmcore.evaluation.reporting.templates import templates
from mmcore.evaluation.reporting.words import (
    fusion,
    listed,
    mask,
    measure,
    named,
    number,
    phrase,
    plural,
    side,
    signed,
    told,
)
from mmcore.evaluation.scores import Report
from storage.history import Entry
from storage.places.atomic import write_bytes
from storage.snapshot import Snapshot

PAGE: Final = "report.html"
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # no HTML has any
_SCRIPT: Final = (
    'if(/^zh/i.test((navigator.languages||[navigator.language])[0]||""))'
    'document.getElementById("in-zh").checked=true'
)
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
    """The page; whatever comes from the lake is escaped, and has no control characters."""
    nights = trend.nights(report, history)
    shown, charts = trend.charts_of(nights)
    first, rest = verdict.changes(report.verdict)
    directions = views.by_interest(report)
    measures = list(dict.fromkeys(name for d in report.directions for name in d.means))
    shown = _template().render(
        report=report,
        banner=verdict.banner(report),
        changes=first,
        more_changes=rest,
        interval_scale=verdict.interval_scale(report.verdict),
        nights=len(nights),
        trend=charts,
        trend_measure=shown,
        fallen_sets={name.partition("/")[0] for name in nights[-1].fell if "/" in name},
        gaps=views.gaps(report),
        groups=views.by_target(report),
        main_measures=[name for name in measures if name in _MAIN],
        more_measures=[name for name in measures if name not in _MAIN],
        masked=[one for one in report.directions if one.by_mask],
        spoken=views.by_language(report),
        confusions=views.confusions(directions),
        interesting=directions,
        pictures=pictures,
        drift=views.drift(report),
        changed=list(views.ordered_changes(report)),
        differences=views.differences(report),
        moved=views.moved(report),
        baseline=views.baseline(report),
        evaluated=views.evaluated(report),
        exact_indexes=[one for one in report.index_recall if views.is_whole(one)],
        measured_indexes=[one for one in report.index_recall if not views.is_whole(one)],
    )
    return _CONTROL.sub("", shown)


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


@cache
def _template() -> Template:
    environment = templates("mmcore.evaluation.reporting")
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
        "measure": measure,
        "fusion": fusion,
        "counted_name": views.counted_name,
        "set_name": views.set_name,
    }
    environment.globals |= {
        "t": phrase,
        "signed": signed,
        "plural": plural,
        "uncompared": views.uncompared,
        "asked_with": views.asked_with,
        "label": views.label,
        "languages": views.languages,
        "unscored": views.unscored,
        "plays": plays,
        "number_word": Number,
        "script": Markup(_SCRIPT),  # our own, and constant
        "script_hash": f"sha256-{_hash(_SCRIPT)}",
    }
    return environment.get_template("report.html.jinja")
