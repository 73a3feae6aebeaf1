"""Sound streams → mono samples at their own rate, and the packets that do not decode."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import av
import numpy as np
from numpy.typing import NDArray

from mmcore.errors import MediaError
from mmcore.media.limits import OUT_OF_MEMORY, decoding

MOST_GAP: Final = 30.0
"""Seconds that one packet holds at most: what a damaged one says of itself is no measure."""

LOUDEST: Final = 1e6
"""Samples beyond it (full scale is 1) are no sound: their power would overflow."""

_RATES: Final = (1000, 768_000)
_TRIES: Final = 8  # at a container that fails to give the next packet
_CHECKED: Final = frozenset({"flac", "wavpack"})  # frames bear a checksum: use it
_FATAL: Final = frozenset({OUT_OF_MEMORY, "odd-rate"})


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """Decoded sound: (n,) float32, the mean of the channels, at ``rate``."""

    samples: NDArray[np.float32]
    rate: int


@dataclass(frozen=True, slots=True)
class Gap:
    """A packet that does not decode, and how many seconds of sound it would have been."""

    seconds: float
    error: MediaError


def decoded(container: Any, stream: Any) -> Iterator[Heard | Gap]:
    """What one stream holds, in order.

    Raises MediaError ``out-of-memory`` and ``odd-rate``; any other error is a gap.
    """
    if stream.codec_context.name in _CHECKED:
        stream.codec_context.options = {"err_detect": "crccheck+explode"}
    mixer, usual = _Mixer(), 0.0
    for packet in _packets(container, stream):
        if isinstance(packet, Gap):
            yield packet
            continue
        try:
            with decoding("audio", av.FFmpegError):
                heard = [mixer.mono(frame) for frame in packet.decode()]
        except MediaError as error:
            if error.reason in _FATAL:
                raise
            yield Gap(_seconds(packet) or usual, error)
            continue
        for one in heard:
            usual = len(one.samples) / one.rate
            yield one


def check_rate(rate: int) -> None:
    """Refuse a rate no sound has: resampling from it costs seconds and gigabytes."""
    if not _RATES[0] <= rate <= _RATES[1]:
        raise MediaError("audio", "odd-rate", f"{rate} samples a second")


def _packets(container: Any, stream: Any) -> Iterator[Any | Gap]:
    """Packets, tried again after an error: most containers find the next one behind it."""
    failures = 0
    while failures < _TRIES:
        packets = iter(container.demux(stream))
        try:
            while True:
                with decoding("audio", av.FFmpegError):
                    packet = next(packets, None)
                if packet is None:
                    return
                failures = 0
                yield packet
        except MediaError as error:
            if error.reason == OUT_OF_MEMORY:
                raise
            failures += 1
            yield Gap(0.0, error)


def _seconds(packet: Any) -> float:
    if not packet.duration or not packet.time_base:
        return 0.0
    return min(MOST_GAP, max(0.0, float(packet.duration * packet.time_base)))


class _Mixer:
    """Frames of whatever format and channels → mono.

    Channels are averaged here: FFmpeg's own mix makes equal ones 3 dB louder than one.
    """

    def __init__(self) -> None:
        self._shape: tuple[int, str, str] | None = None
        self._interleave: Any = None

    def mono(self, frame: Any) -> Heard:
        """The mean of a frame's channels; MediaError for one that holds no sound."""
        if frame.is_corrupt:
            raise MediaError("audio", "decode-error", "the decoder calls the frame corrupt")
        check_rate(frame.sample_rate)
        shape = (frame.sample_rate, frame.format.name, frame.layout.name)
        if shape != self._shape:  # PyAV's converter takes one kind of frame alone
            # Interleaved: PyAV 18.1 reads beyond the eighth plane of a planar frame and crashes.
            self._shape, self._interleave = shape, av.AudioResampler(format="flt")
        frame.pts = None  # a converter would drop or repeat samples to keep the time
        blocks = [_mean(block) for block in self._interleave.resample(frame)]
        samples = blocks[0] if len(blocks) == 1 else np.concatenate([*blocks, _NOTHING])
        if not np.abs(samples).max(initial=0.0) <= LOUDEST:  # a NaN is not
            raise MediaError("audio", "not-finite", "a sample is not a number, or beyond sound")
        return Heard(samples, frame.sample_rate)


_NOTHING: Final = np.zeros(0, dtype=np.float32)


def _mean(block: Any) -> NDArray[np.float32]:
    channels = block.to_ndarray().reshape(-1, block.layout.nb_channels)
    mean: NDArray[np.float32] = channels.mean(axis=1, dtype=np.float32)
    return mean
