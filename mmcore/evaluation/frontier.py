"""The frontier of an index as a picture: what each measured kind finds, and how fast."""

from __future__ import annotations

import io
import re
from typing import Any, Final

from mmcore.evaluation.scores import IndexRecall, Tried

_RDF: Final = re.compile(r"\s*<metadata>.*?</metadata>", re.DOTALL)
_NAMESPACE: Final = re.compile(r' xmlns(:\w+)?="[^"]*"')
_MB: Final = 1e6


def frontier(found: IndexRecall) -> str:
    """An SVG element, to stand in a page: recall against single queries, each kind one line.

    A filled point is within the goal, a hollow one misses it, the ring is what serves. Raises
    ValueError where nothing was measured.
    """
    import matplotlib as mpl  # noqa: PLC0415 - slow to load
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415 - the same
    from matplotlib.figure import Figure  # noqa: PLC0415 - the same

    measured = [point for point in found.tried if point.latency_ms > 0]
    if not measured:
        raise ValueError(f"nothing was measured for {found.index}")
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "mmindex"}):
        figure = Figure(figsize=(7, 3.4), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        for colour, kind in enumerate(dict.fromkeys(point.kind for point in measured)):
            _draw(axes, [point for point in measured if point.kind == kind], f"C{colour}")
        if found.target is not None:
            axes.axhline(found.target, color="0.6", linewidth=1, linestyle="--")
        axes.set_xscale("log")
        axes.set_xlabel("ms, median of single queries in one thread")
        axes.set_ylabel(f"recall@{found.k}")
        axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1, 0.5))
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    return _bare(drawn.getvalue())


def _draw(axes: Any, points: list[Tried], colour: str) -> None:
    """One kind: its settings joined by a line, with what it holds in memory in the legend."""
    x, y = [p.latency_ms for p in points], [p.recall for p in points]
    label = f"{points[0].kind}, {max(p.memory for p in points) / _MB:,.1f} MB"
    axes.plot(x, y, color=colour, linewidth=1, label=label)
    for point in points:
        face = colour if point.fits else "white"
        axes.plot(
            point.latency_ms, point.recall, "o", color=colour, markerfacecolor=face, markersize=5
        )
        if point.chosen:
            ring = {"color": "black", "markerfacecolor": "none", "markersize": 11}
            axes.plot(point.latency_ms, point.recall, "o", **ring)


def _bare(svg: str) -> str:
    """The element alone: in a page it needs no declaration, and names no address."""
    return _NAMESPACE.sub("", _RDF.sub("", svg[svg.index("<svg") :]))
