"""Small SVG charts that stand in a page: its style sheet colours them, in light and dark."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

from mmcore.evaluation.reporting.words import Phrase

Scale = Callable[[float], float]
Point = tuple[float, float]

_STEPS: Final = (1, 2, 2.5, 5, 10)
_GAP: Final = 12.0  # between labels at the ends of lines, in units of the picture


@dataclass(frozen=True, slots=True)
class Box:
    """The plot's own area within a picture, in units of the picture."""

    left: float
    top: float
    right: float
    bottom: float


def linear(low: float, high: float, start: float, end: float) -> Scale:
    """Numbers from ``low`` to ``high`` → places from ``start`` to ``end``."""
    span = (high - low) or 1.0
    return lambda value: start + (value - low) / span * (end - start)


def logarithmic(low: float, high: float, start: float, end: float) -> Scale:
    """The same by logarithms."""
    scale = linear(math.log(low), math.log(high), start, end)
    return lambda value: scale(math.log(value))


def ticks(low: float, high: float, most: int = 4) -> list[float]:
    """Round numbers between ``low`` and ``high``."""
    rough = (high - low) / most
    size = 10 ** math.floor(math.log10(rough))
    step = next(size * s for s in _STEPS if size * s >= rough * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    return [round(k * step, 10) for k in range(first, math.floor(high / step + 1e-9) + 1)]


def svg(width: float, height: float, name: Phrase, parts: Iterable[Markup]) -> Markup:
    """A picture that grows with the page and has a name for those who cannot see it."""
    return Markup('<svg viewBox="0 0 {:g} {:g}" role="img" aria-label="{}">{}</svg>').format(
        width, height, f"{name.en} / {name.zh}", Markup("").join(parts)
    )


def line(points: Sequence[Point], css: str) -> Markup:
    """Points joined by a line."""
    return Markup('<polyline class="{}" points="{}"/>').format(css, _joined(points))


def rule(start: Point, end: Point, css: str) -> Markup:
    """A straight line."""
    return Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(
        css, *start, *end
    )


def dot(at: Point, css: str, radius: float = 3, title: str = "") -> Markup:
    """A point; its title is shown where one stays on it."""
    told = Markup("<title>{}</title>").format(title) if title else ""
    return Markup('<circle class="{}" cx="{:.1f}" cy="{:.1f}" r="{:g}">{}</circle>').format(
        css, *at, radius, told
    )


def cross(at: Point, css: str, title: str, size: float = 3.5) -> Markup:
    """An ✕."""
    (x, y), s = at, size
    path = f"M{x - s:.1f} {y - s:.1f}L{x + s:.1f} {y + s:.1f}M{x - s:.1f} {y + s:.1f}"
    path += f"L{x + s:.1f} {y - s:.1f}"
    return Markup('<path class="{}" d="{}"><title>{}</title></path>').format(css, path, title)


def words(at: Point, text: Phrase | str, css: str = "") -> Markup:
    """Words at a place; of a phrase those in the language that the page shows."""
    if isinstance(text, Phrase) and text.en != text.zh:
        return words(at, text.en, f"{css} en") + words(at, text.zh, f"{css} zh")
    said = text.en if isinstance(text, Phrase) else text
    return Markup('<text class="{}" x="{:.1f}" y="{:.1f}">{}</text>').format(
        css.strip(), *at, escape(said)
    )


def grid(box: Box, y: Scale, values: Sequence[float]) -> list[Markup]:
    """Level lines with their numbers at the left."""
    found = []
    for value in values:
        found.append(rule((box.left, y(value)), (box.right, y(value)), "grid"))
        found.append(words((box.left - 6, y(value) + 3.5), f"{value:g}", "axis end"))
    return found


def apart(places: Sequence[float], low: float, high: float) -> list[float]:
    """Places of labels moved as little as they must so that none lies on another."""
    order = sorted(range(len(places)), key=lambda k: places[k])
    moved = list(places)
    floor = low
    for k in order:
        moved[k] = floor = max(moved[k], floor)
        floor += _GAP
    ceiling = high
    for k in reversed(order):
        moved[k] = ceiling = min(moved[k], ceiling)
        ceiling -= _GAP
    return moved


def _joined(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
