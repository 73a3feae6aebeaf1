"""What was tried, as a table, and what of a goal would have to be relaxed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from storage.errors import NothingFitsError
from storage.indexes.card import Point
from storage.indexes.goal import Goal

_DIGITS: Final = 3  # of the memory that would be enough, rounded up
_HEAD: Final = ("kind", "setting", "recall", "ms", "queries/s", "MB", "built in", "misses")


def told(goal: Goal) -> str:
    """For example ``recall@10 of 0.98 within 300 MB and 2 ms``."""
    budgets = []
    if goal.memory is not None:
        budgets.append(_exactly(goal.memory))
    if goal.latency is not None:
        budgets.append(f"{goal.latency:g} ms")
    within = f" within {' and '.join(budgets)}" if budgets else ""
    return f"recall@{goal.k} of {goal.recall:g}{within}"


def megabytes(size: int) -> str:
    """For example ``1,200 MB``, and ``1.4 MB`` where that is little."""
    millions = size / 1e6
    return f"{millions:,.0f} MB" if millions >= 10 else f"{millions:.2g} MB"  # noqa: PLR2004 - digits


def too_large(memory: int) -> str:
    """Why a kind of ``memory`` bytes is not built, where nothing else bars it."""
    return f"not built: {megabytes(memory)}"


def frontier(tried: Sequence[Point]) -> list[Point]:
    """The points that no other beats in recall, latency and memory at once, in order.

    Of kinds that were not built there is one point each.
    """
    measured = [point for point in tried if point.rate]
    return [
        point
        for point in tried
        if not point.rate or not any(_beats(other, point) for other in measured)
    ]


def table(tried: Sequence[Point]) -> str:
    """The points as lines of columns."""
    rows = [_HEAD, *map(_cells, tried)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in rows
    )
    return "\n".join(line.rstrip() for line in lines)


def nothing_fits(tried: Sequence[Point], goal: Goal) -> NothingFitsError:
    """The error that shows the frontier, and says what one budget would have to be."""
    ways = [
        way for way in (_recall(tried, goal), _memory(tried, goal), _latency(tried, goal)) if way
    ]
    relax = "; or ".join(ways) or "no kind comes near with one of them relaxed"
    shown = frontier(tried)
    left = len(tried) - len(shown)
    caption = f"\n({left} more measured: one of these beats each in recall, ms and MB)"
    return NothingFitsError(told(goal), table(shown) + caption * bool(left), relax, tried)


def _exactly(size: int) -> str:
    """All digits that there are: ``1,200 MB``, ``0.140401 MB``."""
    return f"{size / 1e6:,.6f}".rstrip("0").rstrip(".") + " MB"


def _beats(one: Point, other: Point) -> bool:
    """Whether one is nowhere worse and somewhere better."""
    better = (
        one.recall - other.recall,
        other.latency_ms - one.latency_ms,
        other.memory - one.memory,
    )
    return min(better) >= 0 and max(better) > 0


def _cells(point: Point) -> tuple[str, ...]:
    held = megabytes(point.memory).removesuffix(" MB")
    if not point.rate:
        return (point.kind, "", "", "", "", held, "", point.why)
    return (
        point.kind,
        str(point.setting),
        f"{point.recall:.4f}",
        f"{point.latency_ms:.2f}",
        f"{point.rate:,.0f}",
        held,
        f"{point.build_seconds:.1f} s",
        point.why,
    )


def _recall(tried: Sequence[Point], goal: Goal) -> str:
    """What recall the budgets allow."""
    there = [
        point.recall
        for point in tried
        if point.rate and _in_memory(point, goal) and _in_time(point, goal)
    ]
    if not there:
        return ""
    if max(there) >= goal.recall:
        return (
            f"a recall of {max(there):.3f} was measured, but it is not sure, or not that of each"
            " kind of query"
        )
    return f"a recall of {max(there):.3f} is within the budgets"


def _memory(tried: Sequence[Point], goal: Goal) -> str:
    """How much memory the smallest of the kinds takes that nothing but the budget bars."""
    over = [p for p in tried if not _in_memory(p, goal) and p.why == too_large(p.memory)]
    if not over:
        return ""
    least = min(over, key=lambda point: point.memory)
    step = 10 ** max(0, len(str(least.memory)) - _DIGITS)
    return f"{_exactly(-(-least.memory // step) * step)} let {least.kind} be tried"


def _latency(tried: Sequence[Point], goal: Goal) -> str:
    """What the fastest takes that reaches the recall."""
    if goal.latency is None:
        return ""
    over = [
        p.latency_ms for p in tried if p.rate and p.recall >= goal.recall and _in_memory(p, goal)
    ]
    return f"{min(over):.2g} ms are enough for the recall" if over else ""


def _in_memory(point: Point, goal: Goal) -> bool:
    return goal.memory is None or point.memory <= goal.memory


def _in_time(point: Point, goal: Goal) -> bool:
    return goal.latency is None or point.latency_ms <= goal.latency
