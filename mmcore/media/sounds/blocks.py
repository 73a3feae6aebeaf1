"""Sound files → blocks of mono samples at 16 kHz on the sound's clock, and what is damaged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import av

from mmcore.errors import MediaError
from mmcore.media.container import check_decoder, declared_seconds, opened
from mmcore.media.limits import check_seconds
from mmcore.media.pieces import Damage
from mmcore.media.sounds.decode import Gap, Heard, check_rate, decoded
from mmcore.media.sounds.mpeg import told_seconds
from mmcore.media.sounds.resample import RATE, Resampler, Waveform
from mmcore.specs import LimitsSpec
from mmcore.types import Content, Span
from storage.schemas import Modality

NEAR: Final = 1.0
"""Seconds between two damages that are told as one."""

SPLICED: Final = 1.0
"""Seconds of a gap below which the resampler goes on: making one costs more than such a gap is."""

MOST_DAMAGES: Final = 100
"""Of one sound: what comes after is told as one."""

_EDGE: Final = 1.0  # seconds of undecodable bytes before or behind a sound that are no loss
_FEWEST_BITS: Final = 1000  # a second: no speech and no music takes less
_EXACT: Final = frozenset({"aiff", "au", "caf", "flac", "mov", "w64", "wav", "wv"})
_STREAMED: Final = 0x7FFF_F000  # bytes: a writer that could not know the length says this or more
_SHORT: Final = 0.02  # share of the declared length that rounding and padding may take
_LATE: Final = 0.1  # seconds after which a video's track counts as beginning later


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Samples of the sound, the first of them at ``start`` (in samples at ``RATE``)."""

    start: int
    samples: Waveform

    @property
    def end(self) -> int:
        """Position behind the last sample."""
        return self.start + len(self.samples)


def blocks(content: Content, limits: LimitsSpec, track: int = 0) -> Iterator[Block | Damage]:
    """The sound of one track in order; at most a decoder's frame is held.

    A packet that does not decode is left out, never filled with silence, and the clock goes on; a
    ``Damage`` tells where. A sound that ends before its header says is told likewise
    (``cut-off``). Raises MediaError when more packets fail than decode, when nothing is there
    (``no-samples``, ``no-audio-stream``; a video with pictures then gives nothing), or above
    ``max_seconds``.
    """
    is_video = content.modality is Modality.VIDEO
    with opened(content, "audio") as container:
        tracks = container.streams.audio
        if track >= len(tracks):
            if not is_video:
                raise MediaError("audio", "no-audio-stream", f"{len(tracks)} sound tracks")
            return
        stream = tracks[track]
        check_decoder(stream, "audio")
        if stream.codec_context.sample_rate:
            check_rate(stream.codec_context.sample_rate)
        declared = _declared(container, stream)
        if _is_plausible(declared, stream, content):
            check_seconds(declared, limits)
        heard = _Track(limits, f"track:{track}" if is_video else "self")
        if is_video:
            heard.position = round(_lateness(container, stream, limits) * RATE)
        yield from heard.run(decoded(container, stream))
        yield from heard.end(_exactly(declared, container, stream, content))
        alone = not is_video or not container.streams.video
    if not heard.good and alone:
        raise MediaError("audio", "no-samples", "the sound holds no sample")


class _Track:
    """Puts what is heard on one clock, and tells gaps."""

    def __init__(self, limits: LimitsSpec, source: str) -> None:
        self.position = 0  # samples at RATE
        self.good = 0  # packets
        self._limits, self._source = limits, source
        self._bad = self._told = 0
        self._resampler: Resampler | None = None
        self._error: MediaError | None = None  # the first one
        self._pending: Gap | None = None  # since the last sample
        # Error, start and end of the last damage, which later ones may still join:
        self._damage: tuple[MediaError, float, float] | None = None

    def run(self, events: Iterator[Heard | Gap]) -> Iterator[Block | Damage]:
        """All that is heard."""
        for event in events:
            if isinstance(event, Gap):
                if event.seconds >= SPLICED:
                    yield from self._flushed()
                self._bad += event.packets
                self._error = self._error or event.error
                self._pending = event
            elif len(event.samples):
                yield from self._pass_gap()
                yield from self._hear(event)

    def end(self, declared: float) -> Iterator[Block | Damage]:
        """What is left, and what is not there of ``declared`` seconds (0: nobody knows)."""
        yield from self._flushed()
        if self._error is not None and self._bad > self.good:
            raise self._error
        now = self.position / RATE
        gap = self._pending
        if gap is not None and gap.error is not None and gap.seconds > _EDGE:
            yield from self._tell(now, now + gap.seconds, gap.error)
        elif self.good and declared - now > max(_EDGE, _SHORT * declared):
            words = f"{now:.1f} of {declared:.1f} seconds are there"
            yield from self._tell(now, declared, MediaError("audio", "cut-off", words))
        yield from self._told_last()

    def _hear(self, heard: Heard) -> Iterator[Block]:
        self.good += 1
        if self._resampler is None or self._resampler.rate != heard.rate:
            yield from self._flushed()
            self._resampler = Resampler(heard.rate)
        for samples in self._resampler.push(heard.samples):
            yield self._block(samples)

    def _flushed(self) -> Iterator[Block]:
        resampler, self._resampler = self._resampler, None
        for samples in resampler.flush() if resampler else ():
            yield self._block(samples)

    def _block(self, samples: Waveform) -> Block:
        block = Block(self.position, samples)
        self.position = block.end
        check_seconds(block.end / RATE, self._limits)
        return block

    def _pass_gap(self) -> Iterator[Damage]:
        """Go on behind a gap; junk before the first sample takes no time."""
        gap, self._pending = self._pending, None
        if gap is None or (not self.good and gap.seconds <= _EDGE):
            return
        start = self.position / RATE
        self.position += round(gap.seconds * RATE)
        if gap.error is not None:
            yield from self._tell(start, start + gap.seconds, gap.error)

    def _tell(self, start: float, end: float, error: MediaError) -> Iterator[Damage]:
        """The damage before this one, unless it joins that."""
        if self._damage is not None:
            old, old_start, old_end = self._damage
            near = start - old_end < NEAR or self._told >= MOST_DAMAGES
            if near and old.reason == error.reason:
                self._damage = old, old_start, end
                return
        yield from self._told_last()
        self._damage = error, start, end

    def _told_last(self) -> Iterator[Damage]:
        """The damage that nothing joins any more."""
        if self._damage is not None:
            error, start, end = self._damage
            self._told, self._damage = self._told + 1, None
            span = Span(round(start, 3), round(end, 3), "second")
            yield Damage(error, self._source, span)


def _declared(container: Any, stream: Any) -> float:
    """Seconds by the header, the track's own where it has any; 0 when nothing is said."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return declared_seconds(container) or 0.0


def _is_plausible(seconds: float, stream: Any, content: Content) -> bool:
    """Whether the file is large enough for its header's length: else decoding will tell."""
    return content.size * 8 >= seconds * max(_FEWEST_BITS, (stream.bit_rate or 0) / 2)


def _exactly(declared: float, container: Any, stream: Any, content: Content) -> float:
    """The declared length where it is more than an estimate, else 0."""
    if container.format.name == "mp3":
        return told_seconds(content.location, stream.codec_context.sample_rate or 0)
    exact = container.format.name.split(",")[0] in _EXACT
    streamed = declared * (stream.bit_rate or 0) / 8 >= _STREAMED
    return declared if exact and not streamed else 0.0


def _lateness(container: Any, stream: Any, limits: LimitsSpec) -> float:
    """Seconds from the beginning of a video to that of its sound."""
    if stream.start_time is None or container.start_time is None:
        return 0.0
    late = float(stream.start_time * stream.time_base) - container.start_time / av.time_base
    return late if _LATE <= late <= limits.max_seconds else 0.0
