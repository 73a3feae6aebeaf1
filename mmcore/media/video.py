"""Videos by their frames."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import av
from av.stream import Disposition
from PIL import Image

from mmcore.errors import MediaError
from mmcore.media.container import check_decoder, declared_seconds, opened
from mmcore.media.limits import check_pixels, check_seconds, decoding
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Content, Span

SEEK_AHEAD: Final = 8.0
"""Seconds to the next wanted frame from which a seek costs less than decoding on."""


@dataclass(frozen=True, slots=True)
class Intervals:
    """``count`` equal intervals that tile ``seconds``."""

    seconds: float
    count: int

    @property
    def width(self) -> float:
        """Seconds of one interval."""
        return self.seconds / self.count

    def of(self, time: float) -> int:
        """Number of the interval that holds ``time``."""
        return min(self.count - 1, max(0, int(time / self.width)))

    def middle(self, number: int) -> float:
        """The second in the middle of an interval."""
        return (number + 0.5) * self.width

    def span(self, number: int) -> Span:
        """The interval in seconds, to the millisecond."""
        start, end = number * self.width, (number + 1) * self.width
        return Span(round(start, 3), round(end, 3), "second")


def frames(
    content: Content, limits: LimitsSpec, spec: SegmentationSpec, *, target: int | None = None
) -> Iterator[tuple[Span, Image.Image]]:
    """One upright RGB frame an interval, with the interval as its span.

    Intervals are equal, about ``video_interval`` seconds long, more where ``video_max_frames``
    would be exceeded; each gives the first frame at or after its middle, else the last one before,
    else (no frame begins in it) none. With ``target`` frames are shrunk so that the shorter side
    keeps at least 2 × ``target`` pixels. A file with sound alone gives none. Any error that
    the decoder reports raises MediaError; a video that merely ends early is what it holds.
    """
    with opened(content, "video") as container:
        stream = _picture_stream(container)
        if stream is None:
            if not container.streams.audio:
                raise MediaError("video", "no-stream", "neither pictures nor sound")
            return
        check_decoder(stream, "video")
        check_pixels(stream.width, stream.height, limits)
        seconds = _seconds(container, stream) or _demuxed_seconds(content)
        check_seconds(seconds, limits)
        count = max(1, min(spec.video_max_frames, int(seconds / spec.video_interval + 0.5)))
        intervals = Intervals(max(seconds, 0.001), count)
        found = 0
        for number, frame in _chosen(container, stream, intervals):
            found += 1
            with decoding("video", av.FFmpegError):
                picture = _picture(frame, target)
            yield intervals.span(number), picture
        if not found:
            raise MediaError("video", "no-frames", "the video holds no picture")


def _picture_stream(container: Any) -> Any | None:
    """The first stream of moving pictures: the cover of an album is none."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:
            return stream
    return None


def _seconds(container: Any, stream: Any) -> float | None:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return declared_seconds(container)


def _demuxed_seconds(content: Content) -> float:
    """Length by the time stamps of all packets, where the container declares none."""
    first, last = None, 0.0
    with opened(content, "video") as container, decoding("video", av.FFmpegError):
        for packet in container.demux(_picture_stream(container)):
            if packet.pts is not None and packet.time_base is not None:
                first = packet.pts * packet.time_base if first is None else first
                last = max(last, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    return last - float(first or 0)


def _chosen(container: Any, stream: Any, intervals: Intervals) -> Iterator[tuple[int, Any]]:
    """(interval, frame), in order, each interval at most once."""
    reader = _Reader(container, stream)
    wanted = 0
    before: tuple[int, Any] | None = None  # the last frame ahead of its interval's middle
    while (frame := reader.read()) is not None:
        number = intervals.of(reader.time)
        if before is not None and number > before[0]:
            yield before
            wanted, before = before[0] + 1, None
        if number < wanted:
            continue
        if reader.time < intervals.middle(number):
            before = (number, frame)
            continue
        yield number, frame
        wanted, before = number + 1, None
        if wanted < intervals.count:
            reader.skip_to(intervals.middle(wanted))
    if before is not None:
        yield before


@dataclass(slots=True)
class _Reader:
    """Decoded frames of one stream with their seconds since its start, skipping where it pays."""

    container: Any
    stream: Any
    time: float = 0.0
    _frames: Iterator[Any] | None = None
    _count: int = 0
    _left: float | None = None  # where the last seek started from
    _may_seek: bool = True

    def read(self) -> Any | None:
        """The next frame, None at the end; ``time`` is then its time."""
        with decoding("video", av.FFmpegError):
            self._frames = self._frames or iter(self.container.decode(self.stream))
            frame = next((f for f in self._frames if not f.is_corrupt), None)
        if frame is None:
            return None
        self.time = self._time_of(frame)
        self._count += 1
        if self._left is not None:
            # One key frame for long stretches: each seek would decode them once more.
            self._may_seek = self._may_seek and self.time > self._left
            self._left = None
        return frame

    def skip_to(self, time: float) -> None:
        """Seek to the key frame before ``time`` if it is far ahead; a refused seek is none."""
        if self._may_seek and time - self.time > SEEK_AHEAD and self.stream.time_base:
            start = self.stream.start_time or 0
            with suppress(av.FFmpegError):
                self.container.seek(start + int(time / self.stream.time_base), stream=self.stream)
                self._frames, self._left = None, self.time

    def _time_of(self, frame: Any) -> float:
        if frame.time is None:
            return float(self._count / (self.stream.guessed_rate or 25))
        start = self.stream.start_time
        return float(frame.time) - (float(start * self.stream.time_base) if start else 0.0)


def _picture(frame: Any, target: int | None) -> Image.Image:
    """RGB, upright by the display matrix, shrunk inside the colour conversion."""
    size = {}
    shorter = min(frame.width, frame.height)
    if target is not None and shorter > 2 * target:
        scale = 2 * target / shorter
        size = {"width": round(frame.width * scale), "height": round(frame.height * scale)}
    image: Image.Image = frame.to_image(**size, interpolation="AREA") if size else frame.to_image()
    turn = _TURNS.get(round(frame.rotation / 90) % 4)
    return image if turn is None else image.transpose(turn)


_TURNS: Final = {  # quarter turns counterclockwise
    1: Image.Transpose.ROTATE_90,
    2: Image.Transpose.ROTATE_180,
    3: Image.Transpose.ROTATE_270,
}
