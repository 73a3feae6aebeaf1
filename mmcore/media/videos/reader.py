"""Decoded frames of a video, from its start or from key frames on."""

from __future__ import annotations

import math
import sys
from array import array
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, Self

import av
import numpy as np

from mmcore.errors import MediaError
from mmcore.media.container import opened
from mmcore.media.limits import check_pixels
from mmcore.media.videos.packets import out_of_memory, packets, told
from mmcore.media.videos.scan import survey
from mmcore.media.videos.streams import checked_stream
from mmcore.media.videos.survey import Survey
from mmcore.specs import LimitsSpec
from mmcore.types import Content

SEEK_AHEAD: Final = 8.0
"""Seconds to a key frame from which a seek costs less than reading the packets up to it."""

_REORDERED: Final = 2.0  # seconds that packets of one stream may be out of the order of showing
_MANY_GAPS: Final = 3.0  # gaps that a stretch should have room for


class Reader:
    """One video, open: its survey, then frames. A seek that misses is made good by reading on.

    A packet that cannot be decoded ends nothing: what follows is dropped up to the next key frame
    (what builds on a lost picture would be a smear), as is a frame that the decoder calls corrupt.
    Memory that runs out raises MediaError ``out-of-memory``; a frame above ``max_pixels``, at
    whatever place, ``too-many-pixels``.
    """

    def __init__(self, content: Content, limits: LimitsSpec) -> None:
        self.time = 0.0  # of the frame read last, in seconds since the video's start
        self.error: str | None = None  # what the decoder said first
        self._content, self._limits = content, limits
        self._stack = ExitStack()
        self._container: Any = self._stack.enter_context(opened(content, "video"))
        try:
            self._stream: Any = checked_stream(self._container, limits)
            self.survey: Survey | None = self._surveyed()
        except BaseException:
            self._stack.__exit__(*sys.exc_info())  # which may make another error of it
            raise
        self._packets: Iterator[Any] | None = None
        self._position = math.inf  # stamp of the packet read last; the survey has read them all
        self._frames: deque[Any] = deque()
        self._from = -math.inf  # frames before this second belong to what was skipped
        self._seen = array("d")  # seconds of the packets that were to give frames
        self._count = 0
        self._lost = self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def _surveyed(self) -> Survey | None:
        if self._stream is None:
            return None
        size = Path(self._content.location).stat().st_size
        return survey(self._container, self._stream, size, self._limits)

    @property
    def aspect(self) -> float:
        """Width of a pixel to its height, by the container, else by the decoder; 1 if unknown."""
        ratios = (self._stream.sample_aspect_ratio, self._stream.codec_context.sample_aspect_ratio)
        return next((float(ratio) for ratio in ratios if ratio), 1.0)

    @property
    def pixels(self) -> int:
        """Pixels of a frame, by the container."""
        return int(self._stream.width * self._stream.height)

    def misses(self, start: float, end: float) -> bool:
        """Whether a stretch without a frame should have had one, after all was read.

        It should if there were packets of it, or if packets otherwise come steadily: then the
        container lost some.
        """
        seen = np.frombuffer(self._seen)
        met = bool(((start <= seen) & (seen < end)).any())
        return met or end - start > _MANY_GAPS * self._known.usual

    def key_frame(self, key: int) -> Any | None:
        """The frame of one key packet, decoded alone; None if that fails."""
        packet = self._packet_of(key)
        self._restart_decoder()
        if packet is None:
            return None
        frames = [*self._decoded(packet), *self._decoded(None)]
        self._stream.codec_context.flush_buffers()
        frame = next(iter(frames), None)
        self.time = self.time if frame is None else self._time_of(frame)
        return frame

    def go_to(self, key: int | None) -> None:
        """Let ``read`` go on from a key frame; from the first packet for None, or if it fails."""
        packet = None if key is None else self._packet_of(key)
        self._restart_decoder()
        if packet is None or key is None:
            self._reopen()
            return
        self._from = self._known.seconds(key) - 0.001
        self._note(packet)
        self._frames.extend(self._decoded(packet))

    def read(self) -> Any | None:
        """The next frame, None at the end; ``time`` is then its time."""
        while True:
            while self._frames:
                frame = self._frames.popleft()
                time = self._time_of(frame)
                self._count += 1
                if self._known.is_wild(time):
                    continue
                self.time = time
                if self.time >= self._from:
                    return frame
            if self._ended:
                return None
            packet = self._next_packet()
            self._ended = packet is None
            self._note(packet)
            if packet is None or not self._is_lost(packet):
                self._frames.extend(self._decoded(packet))

    @property
    def _known(self) -> Survey:
        if self.survey is None:
            raise MediaError("video", "no-stream", "sound alone has no frames")
        return self.survey

    def _is_lost(self, packet: Any) -> bool:
        """Whether a packet builds on one that could not be decoded."""
        if self._lost and packet.is_keyframe:
            self._restart_decoder()
        return self._lost

    def _restart_decoder(self) -> None:
        self._stream.codec_context.flush_buffers()
        self._frames.clear()
        self._lost = self._ended = False

    def _packet_of(self, key: int) -> Any | None:
        """The packet of a key frame, found by reading on, by a seek, or from the start."""
        ahead = (key - self._position) * self._known.base
        if not 0 < ahead <= SEEK_AHEAD:
            self._seek(key)
        packet = self._found(key)
        if packet is None:
            self._reopen()
            packet = self._found(key)
        return packet

    def _found(self, key: int) -> Any | None:
        beyond = key + _REORDERED / self._known.base
        while (packet := self._next_packet()) is not None:
            if self._position == key and packet.is_keyframe:
                return packet
            if self._position > beyond:
                return None
        return None

    def _seek(self, key: int) -> None:
        self._packets = None
        try:
            self._container.seek(key, stream=self._stream)
        except MemoryError as error:
            raise out_of_memory(error) from error
        except av.FFmpegError:
            self._reopen()

    def _reopen(self) -> None:
        self._stack.close()
        self._container = self._stack.enter_context(opened(self._content, "video"))
        self._stream = checked_stream(self._container, self._limits)
        self._packets, self._position, self._from = None, -math.inf, -math.inf
        self._count = 0

    def _next_packet(self) -> Any | None:
        """The next packet of the stream; None at the end, also where the container breaks."""
        if self._packets is None:
            self._packets = packets(self._container, [self._stream])
        try:
            packet = next(self._packets, None)
        except av.FFmpegError as error:
            self.error = self.error or told(error)
            packet = None
        stamp = None if packet is None else self._known.stamp(packet)
        if stamp is not None and not self._known.is_wild(self._known.seconds(stamp)):
            self._position = stamp
        return packet

    def _decoded(self, packet: Any | None) -> list[Any]:
        """The sound ones of the frames that a packet completes; the last ones for None."""
        try:
            frames = self._stream.codec_context.decode(packet)
        except MemoryError as error:
            raise out_of_memory(error) from error
        except av.EOFError:
            return []
        except av.FFmpegError as error:
            codec = self._stream.codec_context
            check_pixels(codec.width, codec.height, self._limits)
            self.error = self.error or told(error)
            self._lost = True
            return []
        for frame in frames:
            check_pixels(frame.width, frame.height, self._limits)
        return [frame for frame in frames if not frame.is_corrupt]

    def _note(self, packet: Any | None) -> None:
        stamp = None if packet is None or packet.is_discard else self._known.stamp(packet)
        if stamp is not None:
            self._seen.append(self._known.seconds(stamp))

    def _time_of(self, frame: Any) -> float:
        stamp = frame.dts if frame.pts is None else frame.pts
        base = float(frame.time_base or self._known.base)
        if stamp is None:
            return self._known.start + self._count * self._known.step
        return float(stamp * base) - self._known.zero
