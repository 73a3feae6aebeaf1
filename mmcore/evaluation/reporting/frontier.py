"""The frontier of an index as a picture: what each measured kind finds, and how fast."""

from __future__ import annotations

import math
from typing import Final

from markupsafe import Markup

from mmcore.evaluation.reporting import charts
from mmcore.evaluation.reporting.words import Phrase, named, phrase
from mmcore.evaluation.scores import IndexRecall, Tried

_WIDTH: Final = 640.0
_HEIGHT: Final = 250.0
_BOX: Final = charts.Box(48, 12, 470, 206)
_SERIES: Final = 6  # colours of the style sheet
_MB: Final = 1e6
_MARGIN: Final = 1.25  # free room beside the outermost points, as a factor


def frontier(found: IndexRecall) -> Markup:
    """An SVG element, to stand in a page: recall against single queries, each kind one line.

    A filled point is within the goal, a hollow one misses it, the ring is what serves. Raises
    ValueError where nothing was measured.
    """
    measured = [point for point in found.tried if point.latency_ms > 0]
    if not measured:
        raise ValueError(f"nothing was measured for {found.index}")
    x, y, parts = _axes(found, measured)
    for number, kind in enumerate(dict.fromkeys(point.kind for point in measured)):
        mine = [point for point in measured if point.kind == kind]
        parts += _kind(mine, x, y, f"s{number % _SERIES}")
        at = (_BOX.right + 30, _BOX.top + 10 + 18 * number)
        parts.append(charts.dot((at[0] - 10, at[1] - 4), f"dot s{number % _SERIES}"))
        memory = max(p.memory for p in mine) / _MB
        parts.append(charts.words(at, f"{kind}, {memory:,.1f} MB", "label"))
    return charts.svg(_WIDTH, _HEIGHT, named(f"index:{found.index}"), parts)


def _axes(
    found: IndexRecall, points: list[Tried]
) -> tuple[charts.Scale, charts.Scale, list[Markup]]:
    times = [point.latency_ms for point in points]
    recalls = [*(p.recall for p in points), *([found.target] if found.target else [])]
    low, high = min(times) / _MARGIN, max(times) * _MARGIN
    least = max(0.0, min(recalls) - 0.1 * (1.02 - min(recalls)))
    x = charts.logarithmic(low, high, _BOX.left, _BOX.right)
    y = charts.linear(least, 1.0, _BOX.bottom, _BOX.top)
    parts = charts.grid(_BOX, y, charts.ticks(least, 1.0))
    for value in _decades(low, high):
        parts.append(charts.rule((x(value), _BOX.bottom), (x(value), _BOX.bottom + 4), "grid"))
        parts.append(charts.words((x(value), _BOX.bottom + 17), f"{value:g}", "axis middle"))
    if found.target is not None:
        goal = y(found.target)
        parts.append(charts.rule((_BOX.left, goal), (_BOX.right, goal), "goal"))
        label = phrase("said.goal", goal=f"{found.target:g}")
        parts.append(charts.words((_BOX.left + 4, goal - 4), label, "axis"))
    parts.append(charts.words((_BOX.left, _HEIGHT - 6), _under(found), "axis"))
    return x, y, parts


def _under(found: IndexRecall) -> Phrase:
    recall, time = phrase("said.recall", k=found.k), phrase("said.ms")
    return Phrase(f"↑ {recall.en}   → {time.en}", f"↑ {recall.zh}   → {time.zh}")


def _kind(points: list[Tried], x: charts.Scale, y: charts.Scale, colour: str) -> list[Markup]:
    """One kind: its settings joined by a line."""
    parts = [charts.line([(x(p.latency_ms), y(p.recall)) for p in points], f"line {colour}")]
    for point in points:
        at = x(point.latency_ms), y(point.recall)
        title = f"{point.kind} {point.setting}: {point.recall:.3f}, {point.latency_ms:.2f} ms"
        parts.append(charts.dot(at, f"{'dot' if point.fits else 'hollow'} {colour}", 3.5, title))
        if point.chosen:
            parts.append(charts.dot(at, "ring", 7))
    return parts


def _decades(low: float, high: float) -> list[float]:
    """1, 2 and 5 of each power of ten in between."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    return [m * 10.0**p for p in powers for m in (1, 2, 5) if low <= m * 10.0**p <= high]
