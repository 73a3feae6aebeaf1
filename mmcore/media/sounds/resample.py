"""Mono sounds of any rate → 16 kHz, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Final

import av
import numpy as np
from numpy.typing import NDArray

RATE: Final = 16_000
"""Samples a second of every waveform here."""

Waveform = NDArray[np.float32]

TAPS: Final = 64
"""Of the filter: flat to 0.03 dB up to 7 kHz, what would alias is 90 dB down from 8.5 kHz on."""

_ENDED: Final = (av.error.BlockingIOError, av.error.EOFError)


class Resampler:
    """From ``rate`` to ``RATE``: the blocks together are the sound resampled at once."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        # The graph is kept because the ends do not keep it: they would point to freed memory.
        self._graph, self._source, self._sink = _graph(rate)

    def push(self, samples: Waveform) -> Iterator[Waveform]:
        """What these samples complete."""
        if self.rate == RATE:
            yield samples
            return
        block = av.AudioFrame.from_ndarray(samples[None], format="flt", layout="mono")
        block.sample_rate, block.time_base = self.rate, Fraction(1, self.rate)
        self._source.push(block)
        yield from self._pulled()

    def flush(self) -> Iterator[Waveform]:
        """What is left at the end; the resampler is then used up."""
        if self.rate != RATE:
            self._source.push(None)
            yield from self._pulled()

    def _pulled(self) -> Iterator[Waveform]:
        while True:
            try:
                block = self._sink.pull()
            except _ENDED:
                return
            yield block.to_ndarray().reshape(-1)


def _graph(rate: int) -> tuple[Any, Any, Any]:
    graph = av.filter.Graph()
    source = graph.add_abuffer(
        sample_rate=rate, format="flt", layout="mono", time_base=Fraction(1, rate)
    )
    resample = graph.add("aresample", f"{RATE}:filter_size={TAPS}")
    shape = graph.add("aformat", "sample_fmts=flt:channel_layouts=mono")
    sink = graph.add("abuffersink")
    for before, after in ((source, resample), (resample, shape), (shape, sink)):
        before.link_to(after)
    graph.configure()
    return graph, source, sink
