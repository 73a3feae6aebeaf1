"""Sound files → blocks of mono samples at one rate on the sound's clock, and what is damaged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from mmcore.errors import MediaError
from mmcore.media.container import check_decoder, opened
from mmcore.media.limits import check_seconds
from mmcore.media.pieces import Damage
from mmcore.media.sounds.decode import Gap, Heard, check_rate, decoded
from mmcore.media.sounds.lengths import (
    declared_by,
    demuxing,
    exactly,
    is_exact,
    is_plausible,
    lateness,
)
from mmcore.media.sounds.resample import RATE, Resampler, Waveform, on_clock
from mmcore.media.videos.streams import require_media
from mmcore.specs import LimitsSpec
from mmcore.types import Content, Span
from storage.schemas import Modality

NEAR: Final = 1.0
"""Seconds between two damages that are told as one."""

SPLICED: Final = 1.0
"""Seconds of a gap below which the resampler goes on: making one costs more than such a gap is."""

MOST_DAMAGES: Final = 100
"""Of one sound: what comes after is told as one for each reason."""

_EDGE: Final = 1.0  # seconds of undecodable bytes around a stream of frames that are no loss
_ROUNDING: Final = 2e-3  # seconds
_SHORT: Final = 0.02  # share of the declared length that rounding and padding may take


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Samples of the sound, the first of them at ``start`` (in samples at the sound's rate)."""

    start: int
    samples: Waveform

    @property
    def end(self) -> int:
        """Position behind the last sample."""
        return self.start + len(self.samples)


def blocks(
    content: Content, limits: LimitsSpec, track: int = 0, rate: int = RATE
) -> Iterator[Block | Damage]:
    """The sound of one track in order, at ``rate``; at most a decoder's frame is held.

    A packet that does not decode is left out, never filled with silence, and the clock goes on; a
    ``Damage`` tells where. A sound that ends before its header says is told likewise
    (``cut-off``). Raises MediaError when more packets fail than decode, when nothing is there
    (``no-samples``, ``no-audio-stream``; of a video with neither pictures nor sound
    ``no-stream``, while one with pictures alone gives nothing), or above ``max_seconds``.
    """
    is_video = content.modality is Modality.VIDEO
    # A file that cannot be opened is one fault, whichever of its media is asked for
    with opened(content, "video" if is_video else "audio", demuxing(content)) as container:
        tracks = container.streams.audio
        if track >= len(tracks):
            if not is_video:
                raise MediaError("audio", "no-audio-stream", f"{len(tracks)} sound tracks")
            require_media(container)
            return
        stream = tracks[track]
        check_decoder(stream, "audio")
        if stream.codec_context.sample_rate:
            check_rate(stream.codec_context.sample_rate)
        declared = declared_by(container, stream)
        if is_plausible(declared, stream, content):
            check_seconds(declared, limits)
        edge = 0.0 if is_exact(container) else _EDGE
        heard = _Track(limits, f"track:{track}" if is_video else "self", edge, rate)
        if is_video:
            heard.pass_time(lateness(container, stream, limits))
        yield from heard.run(decoded(container, stream))
        yield from heard.end(exactly(declared, container, stream, content, limits))
        alone = not is_video or not container.streams.video
        if not heard.good and alone:
            raise MediaError("audio", "no-samples", "the sound holds no sample")


class _Track:
    """Puts what is heard on one clock, and tells gaps."""

    def __init__(self, limits: LimitsSpec, source: str, edge: float, rate: int) -> None:
        self.position = 0  # samples at the rate
        self.good = 0  # packets
        self._limits, self._source, self._edge, self._rate = limits, source, edge, rate
        self._bad = self._told = 0
        self._resampler: Resampler | None = None
        self._error: MediaError | None = None  # the first one
        self._pending: Gap | None = None  # since the last sample
        # Error, start and end of the last damage, which later ones may still join:
        self._damage: tuple[MediaError, float, float] | None = None
        self._rest: dict[str, tuple[MediaError, float, float]] = {}  # by reason: when it is full

    def pass_time(self, seconds: float) -> None:
        """Nothing is heard for so long."""
        self.position += on_clock(round(seconds * RATE), self._rate)

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
        now = self.position / self._rate
        least = max(_EDGE, _SHORT * declared)
        gap = self._pending
        if gap is not None and gap.error is not None:
            seconds = gap.seconds
            if declared and not self._edge:  # what lies behind the whole sound is none of it
                seconds = min(seconds, declared - now)
            cut_off = declared - now - seconds > least  # a last packet cut short is no fault more
            if seconds > (_EDGE if cut_off else max(self._edge, _ROUNDING)):
                yield from self._tell(now, now + seconds, gap.error)
                now += seconds
        if self.good and declared - now > least:
            words = f"{now:.1f} of {declared:.1f} seconds are there"
            yield from self._tell(now, declared, MediaError("audio", "cut-off", words))
        yield from self._told_last()
        for error, start, end in self._rest.values():
            yield self._told_at(error, start, end)

    def _hear(self, heard: Heard) -> Iterator[Block]:
        self.good += 1
        if self._resampler is None or self._resampler.source_rate != heard.rate:
            yield from self._flushed()
            self._resampler = Resampler(heard.rate, self._rate)
        for samples in self._resampler.push(heard.samples):
            yield self._block(samples)

    def _flushed(self) -> Iterator[Block]:
        resampler, self._resampler = self._resampler, None
        for samples in resampler.flush() if resampler else ():
            yield self._block(samples)

    def _block(self, samples: Waveform) -> Block:
        block = Block(self.position, samples)
        self.position = block.end
        check_seconds(block.end / self._rate, self._limits)
        return block

    def _pass_gap(self) -> Iterator[Damage]:
        """Go on behind a gap; junk before the first sample of a stream takes no time."""
        gap, self._pending = self._pending, None
        if gap is None or (not self.good and gap.seconds <= self._edge):
            return
        start = self.position / self._rate
        self.pass_time(gap.seconds)
        if gap.error is not None:
            yield from self._tell(start, start + gap.seconds, gap.error)

    def _tell(self, start: float, end: float, error: MediaError) -> Iterator[Damage]:
        """The damage before this one, unless it joins that."""
        if self._damage is not None:
            old, old_start, old_end = self._damage
            if start - old_end < NEAR and old.reason == error.reason:
                self._damage = old, old_start, end
                return
            if self._told + 1 >= MOST_DAMAGES:
                first, first_start, _ = self._rest.get(error.reason, (error, start, end))
                self._rest[error.reason] = first, first_start, end
                return
        yield from self._told_last()
        self._damage = error, start, end

    def _told_last(self) -> Iterator[Damage]:
        """The damage that nothing joins any more."""
        if self._damage is not None:
            error, start, end = self._damage
            self._told, self._damage = self._told + 1, None
            yield self._told_at(error, start, end)

    def _told_at(self, error: MediaError, start: float, end: float) -> Damage:
        return Damage(error, self._source, Span(round(start, 3), round(end, 3), "second"))
