"""The verdict and what it is made of, as the page shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from mmcore.counting import Number
from mmcore.evaluation.outcomes import HELD_OUT
from mmcore.evaluation.reporting import charts
from mmcore.evaluation.reporting.words import (
    Phrase,
    counted,
    headline,
    limit,
    listed,
    measure,
    named,
    number,
    phrase,
    signed,
    told,
    why,
)
from mmcore.evaluation.scores import Compared, Finding, GateVerdict, Report

SIGNS: Final = {"pass": "✓", "warn": "!", "block": "✕", "failed": "✕", "unmeasured": "?"}
_FIRST_ROWS: Final = 12  # of comparisons, before the rest is folded away
_WIDTH, _HEIGHT = 180.0, 20.0  # of an interval
_ROOM: Final = 44.0  # that the number at an end of the axis takes
_FAR: Final = 0.025  # of the axis of intervals, at least, either way
_SEEN: Final = 0.0005  # a smaller change is written as none


@dataclass(frozen=True, slots=True)
class Banner:
    """The verdict, at the top."""

    status: str  # names its colours
    sign: str
    word: Phrase
    headline: Phrase
    notes: tuple[Phrase, ...]
    others: tuple[Finding, ...] = ()  # that the headline does not tell
    detail: Phrase | None = None  # of the headline: how far it fell, and how sure that is
    counts: Phrase | None = None  # how many findings block, and how many warn


@dataclass(frozen=True, slots=True)
class Change:
    """One comparison as a row of the table."""

    of: Compared
    name: Phrase
    measure: Phrase
    change: str
    sign: str  # ▲, ▼ or =
    tone: str  # good, bad, dim
    result: Phrase
    interval: Markup


def banner(report: Report) -> Banner:
    """The verdict in plain words; of a report from before there was one, what was measured."""
    verdict = report.verdict
    if report.status == "unmeasured" and (verdict is None or not verdict.findings):
        told_why = phrase("headline.no-scores", why=why(report.reason))
        return Banner("unmeasured", "?", phrase("verdict.unmeasured"), told_why, _part(report))
    count = _asked(report)
    if verdict is None:
        return Banner("plain", "", phrase("verdict.measured"), count, _part(report))
    notes = [count, *_part(report)]
    if verdict.compared:
        rows = len(verdict.compared)
        name = "headline.against-1" if rows == 1 else "headline.against"
        notes.insert(0, phrase(name, baseline=verdict.baseline, rows=rows))
    if verdict.status == "block" and verdict.baseline is not None:
        notes.insert(0, phrase("headline.todo", baseline=verdict.baseline, run=report.run))
    told_of = {finding.subject for finding in verdict.findings}
    if silent := [named(name) for name in verdict.unproven if name not in told_of]:
        notes.append(phrase("page.unproven", directions=listed(silent)))
    headed = verdict.status in {"block", "warn"} and verdict.findings
    return Banner(
        verdict.status,
        SIGNS[verdict.status],
        phrase(f"verdict.{verdict.status}"),
        told(verdict.findings[0]) if headed else headline(verdict),
        tuple(notes),
        tuple(verdict.findings[1:] if headed else verdict.findings),
        _detail(verdict) if headed else None,
        counted(verdict.findings) if verdict.findings else None,
    )


def _asked(report: Report) -> Phrase:
    """How many directions there are, and what asked them: held-out pairs, sets of the user's."""
    held_out = [direction.set == HELD_OUT for direction in report.directions]
    name = "measured" if all(held_out) else "measured-too" if any(held_out) else "measured-sets"
    return phrase(
        f"headline.{name}", directions=Number(len(held_out)), queries=Number(report.queries)
    )


def _part(report: Report) -> tuple[Phrase, ...]:
    """That the snapshot holds a part of the files, if so."""
    if report.part is None:
        return ()
    files, of = (f"{count:,}" for count in report.part)
    return (phrase("headline.part", files=files, of=of),)


def _detail(verdict: GateVerdict) -> Phrase | None:
    """How far the first finding fell, with its interval and what is allowed."""
    first = verdict.findings[0]
    told_by = ((one.direction, one.measure) for one in verdict.compared)
    rows = dict(zip(told_by, verdict.compared, strict=True))
    of = rows.get((first.subject, first.measure))
    if of is None or of.drop <= 0:
        return None
    allowed = number(limit(of.rule, "max_drop"))
    ends = {"low": signed(-of.high), "high": signed(-of.low), "change": signed(-of.drop)}
    return phrase("headline.detail", **ends, queries=Number(of.queries), allowed=allowed)


def changes(verdict: GateVerdict | None) -> tuple[list[Change], list[Change]]:
    """The comparisons, blocks first, then what fell most; and the rest, to be folded away."""
    if verdict is None:
        return [], []
    rank = {"block": 0, "warn": 1, "": 2}
    order = sorted(verdict.compared, key=lambda c: (rank[c.action], -c.drop, c.direction))
    x = charts.linear(*_ends(verdict), 6, _WIDTH - 6)
    found = [_change(one, x, one.direction in verdict.unproven) for one in order]
    return found[:_FIRST_ROWS], found[_FIRST_ROWS:]


def interval_scale(verdict: GateVerdict | None) -> Markup:
    """The axis that all intervals share: its ends and no change, in numbers."""
    if verdict is None:
        return Markup("")
    low, high = _ends(verdict)
    x = charts.linear(low, high, 6, _WIDTH - 6)
    base = _HEIGHT - 8
    parts = [
        charts.words((0, base), signed(low), "axis"),
        charts.words((_WIDTH, base), signed(high), "axis end"),
    ]
    if _ROOM < x(0) < _WIDTH - _ROOM:
        parts.append(charts.words((x(0), base), "0", "axis middle"))
    parts += [charts.rule((x(at), base + 3), (x(at), _HEIGHT), "zero") for at in (low, 0, high)]
    return charts.svg(_WIDTH, _HEIGHT, Phrase(*[f"{signed(low)} … {signed(high)}"] * 2), parts)


def _ends(verdict: GateVerdict) -> tuple[float, float]:
    """Of the axis of changes: all intervals lie on it."""
    ends = [end for one in verdict.compared for end in (-one.low, -one.high)]
    return min([-_FAR, *ends]), max([_FAR, *ends])


def _change(of: Compared, x: charts.Scale, unproven: bool) -> Change:
    change = -of.drop
    sign, tone = "=", "dim"
    if abs(change) >= _SEEN:
        sign, tone = ("▲", "good") if change > 0 else ("▼", "bad")
    return Change(
        of,
        named(of.direction),
        measure(of.measure),
        signed(change),
        sign,
        tone,
        _result(of, unproven),
        _interval(of, x),
    )


def _result(of: Compared, unproven: bool) -> Phrase:
    if of.action == "warn" and unproven:
        return phrase("said.chance")
    better = not of.action and of.high < 0
    return phrase(f"said.{of.action or ('better' if better else 'ok')}")


def _interval(of: Compared, x: charts.Scale) -> Markup:
    """The interval of a change on an axis that all rows share."""
    middle = _HEIGHT / 2
    tone = {"block": "bad", "warn": "warn", "": "dim"}[of.action]
    parts = [charts.rule((x(0), 1), (x(0), _HEIGHT - 1), "zero")]
    if (allowed := limit(of.rule, "max_drop")) is not None and x(-allowed) > 0:
        parts.append(charts.rule((x(-allowed), 2), (x(-allowed), _HEIGHT - 2), "goal"))
    parts.append(charts.rule((x(-of.high), middle), (x(-of.low), middle), f"span {tone}"))
    parts.append(charts.dot((x(-of.drop), middle), f"dot {tone}", 3.5))
    ends = f"{signed(-of.high)} … {signed(-of.low)}"
    parts.append(Markup("<title>{}</title>").format(ends))
    return charts.svg(_WIDTH, _HEIGHT, Phrase(ends, ends), parts)
