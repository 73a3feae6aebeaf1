"""When a video shows what, by its packets."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Survey:
    """Times of a stream of pictures, in seconds since the video's start.

    ``keys`` are the stamps of its key frames as its packets carry them (``stamp``), ascending;
    ``seconds(key)`` is the time of one. ``end`` is that of what is there, ``declared`` that of
    what the container says was there; None where nothing is missing, or its word is absurd.
    """

    start: float
    end: float
    declared: float | None
    keys: array[int]
    shift: int  # from a stamp to the time of its frame, in units of the time base
    zero: float  # seconds of the container's clock at the video's start
    base: float  # seconds of a unit of the time base
    by_dts: bool
    step: float  # seconds of a frame, about
    usual: float  # seconds from a packet to the next where they come steadily, else infinite
    slack: float = math.inf  # seconds around the video beyond which no time is believed

    def stamp(self, packet: Any) -> int | None:
        """The stamp of a packet: its time of presentation, else of decoding."""
        if self.by_dts or packet.pts is None:
            return packet.dts  # type: ignore[no-any-return]
        return packet.pts  # type: ignore[no-any-return]

    def seconds(self, stamp: int) -> float:
        """The second that a packet with that stamp is shown at."""
        return (stamp + self.shift) * self.base - self.zero

    def is_wild(self, second: float) -> bool:
        """Whether a time is one that the survey left out."""
        return not self.start - self.slack <= second <= self.end + self.slack

    def _stamp_at(self, second: float) -> float:
        return (second + self.zero) / self.base - self.shift

    def key_at_or_before(self, second: float) -> int | None:
        """The last key frame that is shown by then; None where there is none."""
        place = bisect_right(self.keys, self._stamp_at(second) + 0.5)
        return self.keys[place - 1] if place else None

    def nearest_key(self, start: float, end: float) -> int | None:
        """The key frame nearest to the middle of a stretch; None if none is shown in it."""
        first = bisect_left(self.keys, self._stamp_at(start) - 0.5)
        last = bisect_left(self.keys, self._stamp_at(end) - 0.5)
        within = self.keys[first:last]
        middle = (start + end) / 2
        return min(within, key=lambda k: abs(self.seconds(k) - middle), default=None)
