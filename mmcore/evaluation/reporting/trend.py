"""Scores over all evaluations as pictures: one for each target, a line for each source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final

from markupsafe import Markup

from mmcore.evaluation.outcomes import HELD_OUT
from mmcore.evaluation.reporting import charts
from mmcore.evaluation.reporting.words import WHOLE, Phrase, side
from mmcore.evaluation.scores import Report
from storage.history import Entry

MEASURES: Final = ("Success@10", "RR")
"""The first one that there is, is shown."""

_LATEST: Final = 90  # evaluations that are shown
_WIDTH, _HEIGHT = 460.0, 220.0
_BOX: Final = charts.Box(38, 14, 340, 186)
_ROOM: Final = 0.15  # above and below the lines, of their span
_LEAST: Final = 0.05  # span of an axis, so that noise is not drawn as a fall
_COLOURS: Final = {"text:zh": "s0", "text:en": "s1", "image": "s2", "audio": "s3", "video": "s4"}


@dataclass(frozen=True, slots=True)
class Night:
    """One evaluation as a picture needs it."""

    when: datetime
    number: int | None
    measured: tuple[object, ...]  # with what: others cannot be compared
    scores: Mapping[str, Mapping[str, float]]
    blocked: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """The lines of one target."""

    target: Phrase
    picture: Markup


def nights(report: Report, history: Sequence[Entry]) -> list[Night]:
    """The evaluations before a report's, and its own, the latest 90."""
    before = [
        Night(e.when, e.snapshot, _how(e.config, e.sets), e.scores, e.verdict in _BLOCKED)
        for e in sorted(history, key=lambda entry: entry.when)
        if e.when < report.evaluated_at and e.scores and e.trigger not in {"override", "rollback"}
    ]
    own = Night(
        report.evaluated_at,
        report.snapshot,
        _how(report.config, report.sets),
        {d.name: d.means for d in report.directions if d.set == HELD_OUT},
        report.verdict is not None and report.verdict.status in _BLOCKED,
    )
    return [*before, own][-_LATEST:]


def charts_of(found: Sequence[Night]) -> tuple[str, list[Chart]]:
    """The measure that is shown, and a chart for each target that was asked for last.

    A line breaks where another configuration or query set begins, and leaves out evaluations that
    were blocked: those have a cross of their own.
    """
    last = found[-1].scores
    measure = next((m for m in MEASURES if any(m in of for of in last.values())), "")
    targets = dict.fromkeys(name.partition("→")[2] for name in last if _is_shown(name))
    return measure, [
        Chart(side(target), _chart(found, target, measure))
        for target in sorted(targets, key=_order)
        if measure
    ]


_BLOCKED: Final = {"block", "failed"}


def _how(config: str, sets: Mapping[str, str]) -> tuple[object, ...]:
    return config, sets.get(HELD_OUT)


def _is_shown(name: str) -> bool:
    source, arrow, _ = name.partition("→")
    return bool(arrow) and source not in WHOLE


def _order(target: str) -> tuple[bool, str]:
    return target.startswith("text"), target


def _chart(found: Sequence[Night], target: str, measure: str) -> Markup:
    sources = [name.partition("→")[0] for name in found[-1].scores if name.endswith(f"→{target}")]
    sources = [source for source in sources if source not in WHOLE]
    lines = {source: _values(found, f"{source}→{target}", measure) for source in sources}
    values = [v for of in lines.values() for v in of if v is not None]
    low, high = _span(values)
    x = charts.linear(0, max(1, len(found) - 1), _BOX.left + 4, _BOX.right - 6)
    y = charts.linear(low, high, _BOX.bottom, _BOX.top)
    parts = [*charts.grid(_BOX, y, charts.ticks(low, high)), *_dates(found, x)]
    ends = {source: y(of[-1]) for source, of in lines.items() if of[-1] is not None}
    labels = charts.apart(list(ends.values()), _BOX.top, _BOX.bottom + 4)
    for source, of in lines.items():
        parts += _line(found, source, of, x, y)
    for (source, _), place in zip(ends.items(), labels, strict=True):
        colour = _COLOURS.get(source, "s5")
        last = lines[source][-1] or 0.0
        at = _BOX.right + 4, place + 3.5
        parts.append(charts.words(at, f"{last:.3f}", f"label {colour} strong"))
        parts.append(charts.words((at[0] + 36, at[1]), side(source), f"label {colour}"))
    return charts.svg(_WIDTH, _HEIGHT, side(target), parts)


def _values(found: Sequence[Night], name: str, measure: str) -> list[float | None]:
    return [night.scores.get(name, {}).get(measure) for night in found]


def _span(values: Sequence[float]) -> tuple[float, float]:
    """The axis: as far as the lines go and some more, within 0 and 1."""
    low, high = min(values), max(values)
    room = max((high - low) * _ROOM, (_LEAST - (high - low)) / 2)
    return max(0.0, low - room), min(1.0, high + room)


def _line(
    found: Sequence[Night],
    source: str,
    values: Sequence[float | None],
    x: charts.Scale,
    y: charts.Scale,
) -> Iterator[Markup]:
    colour = _COLOURS.get(source, "s5")
    served = [(k, v) for k, v in enumerate(values) if v is not None and not found[k].blocked]
    for _, run in groupby(served, key=lambda pair: found[pair[0]].measured):
        yield charts.line([(x(k), y(v)) for k, v in run], f"line {colour}")
    for k, value in enumerate(values):
        if value is None:
            continue
        at, title = (x(k), y(value)), _title(found[k], value)
        if found[k].blocked:
            yield charts.cross(at, f"cross {colour}", title)
        else:
            yield charts.dot(at, f"dot {colour}", 3 if k == len(values) - 1 else 1.8, title)


def _title(night: Night, value: float) -> str:
    number = "" if night.number is None else f", {night.number}"
    return f"{night.when:%Y-%m-%d %H:%M}{number}: {value:.3f}"


def _dates(found: Sequence[Night], x: charts.Scale) -> Iterator[Markup]:
    """The first and the last day, and where another way of measuring begins."""
    yield charts.words((x(0) - 4, _BOX.bottom + 17), f"{found[0].when:%Y-%m-%d}", "axis")
    if len(found) > 1:
        at = x(len(found) - 1) + 4, _BOX.bottom + 17
        yield charts.words(at, f"{found[-1].when:%m-%d}", "axis end")
    for k in range(1, len(found)):
        if found[k].measured != found[k - 1].measured:
            middle = (x(k) + x(k - 1)) / 2
            yield charts.rule((middle, _BOX.top), (middle, _BOX.bottom), "goal")
