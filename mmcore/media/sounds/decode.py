"""Sound streams → mono samples at their own rate, and the packets that do not decode."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import av
import numpy as np
from numpy.typing import NDArray

from mmcore.errors import MediaError
from mmcore.media.container import reading
from mmcore.media.limits import OUT_OF_MEMORY
from mmcore.media.preparer import RATES

MOST_GAP: Final = 30.0
"""Seconds that one packet holds at most: what a damaged one says of itself is no measure."""

JITTER: Final = 0.05
"""Seconds that a container's clock may be ahead of the samples before that counts as a gap."""

LOUDEST: Final = 1e6
"""Samples beyond it (full scale is 1) are no sound: their power would overflow."""

_BACK: Final = 1.0  # seconds that a container's clock may be behind
_TRIES: Final = 8  # at a container that fails to give the next packet
_WITHOUT_PAUSES: Final = frozenset(
    {"asf", "flac", "ogg", "wv"}
)  # containers whose time is that of sound
_CHECKED: Final = frozenset({"ape", "flac", "tta", "wavpack"})  # frames bear a checksum: use it
_FLAC_FRAMES: Final = (b"\xff\xf8", b"\xff\xf9")  # how one begins
_FATAL: Final = frozenset({OUT_OF_MEMORY, "odd-rate"})


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """Decoded sound: (n,) float32, the mean of the channels, at ``rate``."""

    samples: NDArray[np.float32]
    rate: int


@dataclass(frozen=True, slots=True)
class Gap:
    """A place without sound: so many seconds, and how many packets failed there."""

    seconds: float
    packets: int
    error: MediaError | None  # None where the container leaves time out, which is no damage


def decoded(container: Any, stream: Any) -> Iterator[Heard | Gap]:
    """What one stream holds, in order, with a gap where something is missing.

    Raises MediaError ``out-of-memory`` and ``odd-rate``; any other error becomes a gap.
    """
    if stream.codec_context.name in _CHECKED:
        stream.codec_context.options = {"err_detect": "crccheck+explode"}
    mixer, clock = _Mixer(), _Clock(container.format.name in _WITHOUT_PAUSES)
    for packet in _packets(container, stream):
        if isinstance(packet, MediaError):
            clock.fail(packet, 0.0)
            continue
        try:
            with reading("audio"):
                heard = [(frame.time, mixer.mono(frame)) for frame in packet.decode()]
        except MediaError as error:
            if error.reason in _FATAL:
                raise
            clock.fail(error, 0.0 if _is_no_sound(packet, stream) else _seconds(packet))
            continue
        for time, one in heard:
            yield from clock.gap_before(time)
            yield one
            clock.hear(len(one.samples) / one.rate)
    yield from clock.gap_before(None)


class _Clock:
    """How long the sound is by its samples, beside what the container says."""

    def __init__(self, without_pauses: bool) -> None:
        self._without_pauses = without_pauses
        self._now = self._usual = self._missing = 0.0
        self._start: float | None = None  # what the container calls zero
        self._error: MediaError | None = None
        self._packets = 0

    def hear(self, seconds: float) -> None:
        """A frame was decoded."""
        self._now += seconds
        self._usual = seconds

    def fail(self, error: MediaError, seconds: float) -> None:
        """A packet was not; a usual frame's length where it does not say its own."""
        self._error = self._error or error
        self._packets += 1
        self._missing += seconds or self._usual

    def gap_before(self, time: float | None) -> Iterator[Gap]:
        """What is missing before a frame of this time; None at the end, or where it has none."""
        ahead = self._ahead(time)
        if self._error is not None:
            gap = Gap(self._missing if ahead is None else ahead, self._packets, self._error)
        elif ahead is not None and ahead > JITTER:
            lost = MediaError("audio", "lost-packets", "packets are missing in the container")
            gap = Gap(ahead, 0, lost if self._without_pauses else None)
        else:
            return
        self._now += gap.seconds
        self._missing, self._packets, self._error = 0.0, 0, None
        yield gap

    def _ahead(self, time: float | None) -> float | None:
        """Seconds that the container is ahead; None where it says nothing to be believed."""
        if time is None:
            return None
        if self._start is not None:
            ahead = time - self._start - self._now
            if -_BACK <= ahead <= MOST_GAP:
                return max(0.0, ahead)
        self._start = time - self._now - self._missing  # the first frame, or a clock that jumps
        return None


def check_rate(rate: int) -> None:
    """Refuse a rate no sound has: resampling from it costs seconds and gigabytes."""
    if not RATES[0] <= rate <= RATES[1]:
        raise MediaError("audio", "odd-rate", f"{rate} samples a second")


def _packets(container: Any, stream: Any) -> Iterator[Any | MediaError]:
    """Packets, tried again after an error: most containers find the next one behind it."""
    failures = 0
    while failures < _TRIES:
        packets = iter(container.demux(stream))
        try:
            while True:
                with reading("audio"):
                    packet = next(packets, None)
                if packet is None:
                    return
                failures = 0
                yield packet
        except MediaError as error:
            if error.reason == OUT_OF_MEMORY:
                raise
            if not failures:
                yield error
            failures += 1


def _is_no_sound(packet: Any, stream: Any) -> bool:
    """Whether a packet that failed would not have been heard, or is junk before the sound.

    FFmpeg takes all that lies before the first frame of a FLAC for one.
    """
    junk = stream.codec_context.name == "flac" and bytes(packet)[:2] not in _FLAC_FRAMES
    return packet.is_discard or junk


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
    with np.errstate(over="ignore", invalid="ignore"):  # what comes of it is looked at
        mean: NDArray[np.float32] = channels.mean(axis=1, dtype=np.float32)
    return mean
