"""What a training tells on its way: one point an epoch, and the plot of them."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class Point:
    """One pass over the data: values by name (``loss``, ``held_out_loss``, ``R@1`` …)."""

    epoch: int  # from 1
    values: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As cards and reports have it."""
        return {"epoch": self.epoch, **self.values}


def plot(points: Sequence[Point], title: str) -> bytes:
    """An SVG of the curves: losses on one axis, what is better when higher on the other.

    Raises ValueError where there is no point.
    """
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415 - slow to load
    from matplotlib.figure import Figure  # noqa: PLC0415 - the same

    if not points:
        raise ValueError("there is no epoch to plot")
    names = list(dict.fromkeys(name for point in points for name in point.values))
    losses = [name for name in names if "loss" in name]
    scores = [name for name in names if name not in losses]
    kinds = [(kind, of) for kind, of in (("loss", losses), ("score", scores)) if of]
    figure = Figure(figsize=(4.5 * len(kinds), 3.2), layout="constrained")
    FigureCanvasSVG(figure)
    for place, (kind, of) in enumerate(kinds, start=1):
        axes = figure.add_subplot(1, len(kinds), place)
        for name in of:
            known = [(p.epoch, p.values[name]) for p in points if name in p.values]
            axes.plot(*np.array(known).T, label=name, marker="." if len(known) < 2 else "")  # noqa: PLR2004
        axes.set_xlabel("epoch")
        axes.set_ylabel(kind)
        axes.legend(frameon=False)
    figure.suptitle(title)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="svg", metadata={"Date": None})
    return drawn.getvalue()
