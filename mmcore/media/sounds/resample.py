"""Mono sounds of any rate → another, 16 kHz by default, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final

import av
import numpy as np
from numpy.typing import NDArray

from mmcore.media.preparer import RATE as RATE  # noqa: PLC0414 - for others

Waveform = NDArray[np.float32]

TAPS: Final = 64
"""Of the filter at the lower rate.

From 44.1 to 16 kHz it is flat to 0.03 dB up to 7 kHz; what would alias is 90 dB down from 8.5 kHz
on. From 44.1 to 48 kHz it is flat up to 20 kHz, and the mirrors of such tones are 92 dB down.
"""

_ENDED: Final = (av.error.BlockingIOError, av.error.EOFError)


class Resampler:
    """From ``source_rate`` to ``rate``: the blocks together are the sound resampled at once."""

    def __init__(self, source_rate: int, rate: int = RATE) -> None:
        self.source_rate, self.rate = source_rate, rate
        # The graph is kept because the ends do not keep it: they would point to freed memory.
        self._graph, self._source, self._sink = _graph(source_rate, rate)

    def push(self, samples: Waveform) -> Iterator[Waveform]:
        """What these samples complete."""
        if self.source_rate == self.rate:
            yield samples
            return
        block = av.AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
        block.sample_rate, block.time_base = self.source_rate, Fraction(1, self.source_rate)
        self._source.push(block)
        yield from self._pulled()

    def flush(self) -> Iterator[Waveform]:
        """What is left at the end; the resampler is then used up."""
        if self.source_rate != self.rate:
            self._source.push(None)
            yield from self._pulled()

    def _pulled(self) -> Iterator[Waveform]:
        while True:
            try:
                block = self._sink.pull()
            except _ENDED:
                return
            yield block.to_ndarray().reshape(-1)


def resampled(samples: Waveform, source_rate: int, rate: int = RATE) -> Waveform:
    """A whole sound at another rate; the samples themselves where it is the same one."""
    if source_rate == rate or not len(samples):
        return samples
    resampler = Resampler(source_rate, rate)
    return np.concatenate([*resampler.push(samples), *resampler.flush()])


def on_clock(position: int, rate: int) -> int:
    """A position in samples at ``RATE`` → the sample at ``rate`` there, or the last one before.

    All that cutting rounds is rounded at ``RATE`` first, so that a window or a gap lies at the
    same second whatever the rate: exactly where that is a multiple of 16 kHz, else to a sample.
    """
    return position * rate // RATE


def _graph(source_rate: int, rate: int) -> tuple[Any, Any, Any]:
    graph = av.filter.Graph()
    source = graph.add_abuffer(
        sample_rate=source_rate, format="flt", layout="mono", time_base=Fraction(1, source_rate)
    )
    resample = graph.add("aresample", f"{rate}:filter_size={TAPS}")
    shape = graph.add("aformat", "sample_fmts=flt:channel_layouts=mono")
    sink = graph.add("abuffersink")
    for before, after in ((source, resample), (resample, shape), (shape, sink)):
        before.link_to(after)
    graph.configure()
    return graph, source, sink
