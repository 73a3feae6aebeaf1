"""Sound → windows of mono samples at the rate asked, streaming."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mmcore.media.pieces import Damage
from mmcore.media.sounds.blocks import Block, blocks
from mmcore.media.sounds.resample import RATE as RATE  # noqa: PLC0414 - for others
from mmcore.media.sounds.resample import Waveform as Waveform  # noqa: PLC0414
from mmcore.media.sounds.resample import on_clock
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Content, Span


def windows(
    content: Content,
    limits: LimitsSpec,
    spec: SegmentationSpec,
    *,
    track: int = 0,
    rate: int = RATE,
) -> Iterator[tuple[Span, Waveform]]:
    """Windows of ``audio_window`` seconds: (span in seconds, (n,) float32 mono at ``rate``).

    Each repeats ``audio_overlap`` seconds of the one before. Together they are the sound: nothing
    is cropped, and a last one that adds less than a quarter of a window joins the one before. What
    is damaged is left out; a video without that track gives none. MediaError as of
    :func:`blocks`, also after some windows.
    """
    for found in windows_and_damages(content, limits, spec, track=track, rate=rate):
        if not isinstance(found, Damage):
            yield found


def windows_and_damages(
    content: Content,
    limits: LimitsSpec,
    spec: SegmentationSpec,
    *,
    track: int = 0,
    rate: int = RATE,
) -> Iterator[tuple[Span, Waveform] | Damage]:
    """The windows, and the places of the sound that cannot be used, among them."""
    size = max(1, round(spec.audio_window * RATE))
    cutter = _Cutter(size, max(1, size - round(spec.audio_overlap * RATE)), rate)
    for found in blocks(content, limits, track, rate):
        if isinstance(found, Damage):
            yield found
        else:
            yield from cutter.add(found)
    yield from cutter.rest()


class _Cutter:
    """Cuts blocks at multiples of ``hop`` into windows of ``size``: samples at ``RATE``, both."""

    def __init__(self, size: int, hop: int, rate: int) -> None:
        self._size, self._hop, self._rate = size, hop, rate
        self._tail = min(hop, size // 4)
        self._place = self._start = 0  # of the window, at RATE and at the rate of the blocks
        self._told = 0
        self._held: list[Block] = []

    def add(self, block: Block) -> Iterator[tuple[Span, Waveform]]:
        """The windows that a block completes."""
        self._held.append(block)
        while block.end >= self._after(self._size + self._tail):
            yield from self._window(self._after(self._size))
            self._place += self._hop
            if block.start >= self._after(self._size):  # behind a gap longer than a window
                behind = block.start * RATE // self._rate - self._place
                self._place += behind // self._hop * self._hop
            self._start = self._after(0)
            self._held = [held for held in self._held if held.end > self._start]

    def _after(self, count: int) -> int:
        """The sample at the rate of the blocks, ``count`` samples at ``RATE`` into the window."""
        return on_clock(self._place + count, self._rate)

    def rest(self) -> Iterator[tuple[Span, Waveform]]:
        """The last window."""
        if self._held:
            yield from self._window(self._held[-1].end)

    def _window(self, end: int) -> Iterator[tuple[Span, Waveform]]:
        """What is held from the start to ``end``, unless it is nothing new."""
        parts = [
            Block(max(held.start, self._start), held.samples[max(0, self._start - held.start) :])
            for held in self._held
            if held.end > self._start and held.start < end
        ]
        if not parts:
            return
        last = min(end, parts[-1].end)
        parts[-1] = Block(parts[-1].start, parts[-1].samples[: last - parts[-1].start])
        if last > self._told:
            self._told = last
            span = Span(parts[0].start / self._rate, last / self._rate, "second")
            yield span, np.concatenate([part.samples for part in parts])
