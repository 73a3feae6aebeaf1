"""Scores over all evaluations as pictures: one for each target, a line for each source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Final

from markupsafe import Markup

from mmcore.evaluation.outcomes import HELD_OUT
from mmcore.evaluation.reporting import charts
from mmcore.evaluation.reporting.views import label
from mmcore.evaluation.reporting.words import WHOLE, Phrase, side
from mmcore.evaluation.scores import Report
from storage.history import Entry

MEASURES: Final = ("Success@10", "RR")
"""The first one that there is, is shown."""

_LATEST: Final = 90  # evaluations that are shown
_WIDTH, _HEIGHT = 460.0, 220.0
_BOX: Final = charts.Box(38, 14, 340, 186)
_ROOM: Final = 0.15  # above and below the lines, of their span
_LEAST: Final = 0.2  # span of an axis, so that noise is not drawn as a fall
_COLOURS: Final = {"text:zh": "s0", "text:en": "s1", "image": "s2", "audio": "s3", "video": "s4"}


@dataclass(frozen=True, slots=True)
class Night:
    """One evaluation as a picture needs it."""

    when: datetime
    number: int | None
    config: str  # of the measures: others cannot be compared
    sets: Mapping[str, str]  # query set → fingerprint: nor can others of these
    scores: Mapping[str, Mapping[str, float]]
    fell: frozenset[str] = frozenset()  # the directions by which it was blocked

    def measured(self, of: str) -> tuple[object, ...]:
        """With what the directions of a query set were measured."""
        return self.config, self.sets.get(of)


@dataclass(frozen=True, slots=True)
class Chart:
    """The lines of one target."""

    target: Phrase
    picture: Markup
    set: str = ""  # of a user's queries; "": the lake's own


def nights(report: Report, history: Sequence[Entry]) -> list[Night]:
    """The evaluations before a report's, and its own, the latest 90."""
    before = [
        Night(e.when, e.snapshot, e.config, e.sets, e.scores, frozenset(e.blocked))
        for e in sorted(history, key=lambda entry: entry.when)
        if e.when < report.evaluated_at and e.scores and e.trigger not in {"override", "rollback"}
    ]
    own = Night(
        report.evaluated_at,
        report.snapshot,
        report.config,
        report.sets,
        {label(d): d.means for d in report.directions},
        _fallen(report),
    )
    return [*before, own][-_LATEST:]


def charts_of(found: Sequence[Night]) -> tuple[str, list[Chart]]:
    """The measure that is shown, and a chart for each target that was asked for last.

    Those of users' sets come last. A line breaks where another configuration or query set begins,
    and leaves out evaluations that were blocked for its direction: those have a cross of their
    own.
    """
    last = found[-1].scores
    measure = next((m for m in MEASURES if any(m in of for of in last.values())), "")
    shown = {
        _key(name): None for name, means in last.items() if _is_shown(name) and measure in means
    }
    return measure, [
        Chart(side(target), _chart(found, (of, target), measure), of)
        for of, target in sorted(shown, key=_order)
    ]


def _fallen(report: Report) -> frozenset[str]:
    """The directions by which a report's snapshot is blocked."""
    findings = report.verdict.findings if report.verdict else []
    blocks = (finding for finding in findings if finding.action == "block")
    return frozenset(name for finding in blocks for name in finding.directions)


def _key(name: str) -> tuple[str, str]:
    """Query set, "" for the lake's own, and target of a direction."""
    source, _, target = name.partition("→")
    return source.rpartition("/")[0], target


def _is_shown(name: str) -> bool:
    source, arrow, _ = name.partition("→")
    return bool(arrow) and source not in WHOLE


def _order(key: tuple[str, str]) -> tuple[str, bool, str]:
    of, target = key
    return of, target.startswith("text"), target


def _chart(found: Sequence[Night], key: tuple[str, str], measure: str) -> Markup:
    of_set, target = key
    names = [name for name in found[-1].scores if _is_shown(name) and _key(name) == key]
    every = {name: _values(found, name, measure) for name in names}
    lines = {name: values for name, values in every.items() if values[-1] is not None}
    values = [v for of in lines.values() for v in of if v is not None]
    low, high = _span(values)
    x = charts.linear(0, max(1, len(found) - 1), _BOX.left + 4, _BOX.right - 6)
    y = charts.linear(low, high, _BOX.bottom, _BOX.top)
    parts = [*charts.grid(_BOX, y, charts.ticks(low, high))]
    parts += _dates(found, x, of_set or HELD_OUT)
    ends = {name: y(of[-1]) for name, of in lines.items() if of[-1] is not None}
    labels = charts.apart(list(ends.values()), _BOX.top, _BOX.bottom + 4)
    for name, of in lines.items():
        parts += _line(found, name, of, x, y)
    for (name, _), place in zip(ends.items(), labels, strict=True):
        colour, source = _colour(name), _source(name)
        last = lines[name][-1] or 0.0
        at = _BOX.right + 4, place + 3.5
        parts.append(charts.words(at, f"{last:.3f}", f"label {colour} strong"))
        parts.append(charts.words((at[0] + 36, at[1]), side(source), f"label {colour}"))
    return charts.svg(_WIDTH, _HEIGHT, side(target), parts)


def _source(name: str) -> str:
    """What asks in a direction; of pairs the language."""
    source = name.partition("→")[0].rpartition("/")[2]
    kind, _, language = source.rpartition(":")
    return language if kind == "pairs" else source


def _colour(name: str) -> str:
    source = _source(name)
    return _COLOURS.get(source, _COLOURS.get(f"text:{source}", "s5"))


def _values(found: Sequence[Night], name: str, measure: str) -> list[float | None]:
    return [night.scores.get(name, {}).get(measure) for night in found]


def _span(values: Sequence[float]) -> tuple[float, float]:
    """The axis: as far as the lines go and some more, within 0 and 1."""
    low, high = min(values), max(values)
    room = max((high - low) * _ROOM, (_LEAST - (high - low)) / 2)
    low, high = low - room, high + room
    if low < 0:
        return 0.0, min(1.0, max(high, _LEAST))
    return (max(0.0, min(low, 1 - _LEAST)), 1.0) if high > 1 else (low, high)


def _line(
    found: Sequence[Night],
    name: str,
    values: Sequence[float | None],
    x: charts.Scale,
    y: charts.Scale,
) -> Iterator[Markup]:
    colour, of_set = _colour(name), _key(name)[0] or HELD_OUT
    served = [(k, v) for k, v in enumerate(values) if v is not None and name not in found[k].fell]
    for _, run in groupby(served, key=lambda pair: found[pair[0]].measured(of_set)):
        yield charts.line([(x(k), y(v)) for k, v in run], f"line {colour}")
    for k, value in enumerate(values):
        if value is None:
            continue
        at, title = (x(k), y(value)), _title(found[k], value)
        if name in found[k].fell:
            yield charts.cross(at, f"cross {colour}", title)
        else:
            yield charts.dot(at, f"dot {colour}", 3 if k == len(values) - 1 else 1.8, title)


def _title(night: Night, value: float) -> str:
    number = "" if night.number is None else f", {night.number}"
    return f"{night.when:%Y-%m-%d %H:%M}{number}: {value:.3f}"


def _dates(found: Sequence[Night], x: charts.Scale, of_set: str) -> Iterator[Markup]:
    """The first and the last day, of one day the hours; and where another way of measuring begins.

    They are in UTC.
    """
    first, last = found[0].when.astimezone(UTC), found[-1].when.astimezone(UTC)
    hours = first.date() == last.date()
    begin = f"{first:%Y-%m-%d %H:%M} UTC" if hours else f"{first:%Y-%m-%d}"
    yield charts.words((x(0) - 4, _BOX.bottom + 17), begin, "axis")
    if len(found) > 1:
        at = x(len(found) - 1) + 4, _BOX.bottom + 17
        yield charts.words(at, f"{last:%H:%M}" if hours else f"{last:%m-%d}", "axis end")
    for k in range(1, len(found)):
        if found[k].measured(of_set) != found[k - 1].measured(of_set):
            middle = (x(k) + x(k - 1)) / 2
            yield charts.rule((middle, _BOX.top), (middle, _BOX.bottom), "goal")
