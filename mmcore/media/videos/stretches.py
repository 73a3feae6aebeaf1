"""The stretches of a video that are to be shown by one frame each."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from mmcore.types import Span


@dataclass(frozen=True, slots=True)
class Stretches:
    """Stretches of seconds that follow each other: ``edges`` are ascending, one more than them."""

    edges: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.edges) - 1

    def of(self, time: float) -> int:
        """Number of the stretch that holds ``time``; the first or the last for one outside."""
        return min(len(self) - 1, max(0, bisect_right(self.edges, time) - 1))

    def middle(self, number: int) -> float:
        """The second in the middle of a stretch."""
        return (self.edges[number] + self.edges[number + 1]) / 2

    def span(self, number: int, last: int | None = None) -> Span:
        """A stretch in seconds, to the millisecond; with ``last``, all from one to the other."""
        end = self.edges[(number if last is None else last) + 1]
        return Span(round(self.edges[number], 3), round(end, 3), "second")


def equal(start: float, end: float, count: int) -> Stretches:
    """``count`` stretches of one length, of at least a millisecond."""
    width = max(end - start, 0.001 * count) / count
    return Stretches(tuple(start + number * width for number in range(count + 1)))
