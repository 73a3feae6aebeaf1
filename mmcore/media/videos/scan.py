"""A container → the survey of its video, before anything is decoded."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import av
import numpy as np

from mmcore.errors import MediaError
from mmcore.media.container import declared_seconds
from mmcore.media.limits import STAGE, check_seconds
from mmcore.media.videos.packets import packets
from mmcore.media.videos.survey import Survey
from mmcore.specs import LimitsSpec

_RATE: Final = 25.0  # frames a second, where nothing tells
_MOST_A_SECOND: Final = 1000  # packets
_LEAST_MISSING: Final = 1.0  # seconds, and a fiftieth: less is rounding in the container's word
_TRUSTED: Final = ("mov", "matroska", "avi", "flv", "asf", "ogg")  # the others only estimate
_LONGEST_FRAME: Final = 10.0  # seconds that a last frame may be shown; more is a wrong word
_STEADY: Final = 0.95  # share of packets that come after the usual gap
_WILD: Final = 30.0  # seconds from the others, of a stamp that makes a video too long
_NEARLY_ALL: Final = 0.9  # share of packets that outvote the stamps of the others
_ODD_START: Final = 3600.0  # seconds from the container's start to the first picture


def survey(container: Any, stream: Any, size: int, limits: LimitsSpec) -> Survey:
    """Look at the index of a file of ``size`` bytes, else at all of its packets.

    Raises MediaError (no-frames, too-long). Reading packets moves the container's place.
    """
    found = None
    if "mov" in container.format.name:
        found = _by_index(container, stream, size, limits)
    return (found or _by_packets(container, stream, limits)).survey(container, stream, limits)


@dataclass(slots=True)
class _Found:
    """Stamps in units of the stream's time base."""

    first: int
    end: int  # of the last frame there is
    all_end: int  # of the last frame there was, or of another stream
    stamps: array[int]
    keys: array[int]
    shift: int
    by_dts: bool
    slack: float = math.inf

    def survey(self, container: Any, stream: Any, limits: LimitsSpec) -> Survey:
        base = float(stream.time_base)
        first = (self.first + self.shift) * base
        zero = first if container.start_time is None else container.start_time / av.time_base
        if not zero <= first <= zero + _ODD_START:
            zero = first
        end = (self.end + self.shift) * base - zero
        declared = self._declared(container, stream, zero, end)
        return Survey(
            start=first - zero,
            end=end,
            declared=declared if declared <= limits.max_seconds else None,
            keys=self.keys,
            shift=self.shift,
            zero=zero,
            base=base,
            by_dts=self.by_dts,
            step=(end - first + zero) / len(self.stamps),
            usual=_usual_gap(self.stamps) * base,
            slack=self.slack,
        )

    def _declared(self, container: Any, stream: Any, zero: float, end: float) -> float:
        """The end that the container tells where more was there, else infinite."""
        base = float(stream.time_base)
        declared = there = (self.all_end + self.shift) * base - zero
        if self.by_dts:
            there = end
        elif any(name in container.format.name for name in _TRUSTED):
            declared = declared_seconds(container) or there
            there = max(there, there + zero)  # some count from 0, some from the first frame
        missing = declared - there
        return declared if missing > max(_LEAST_MISSING, 0.02 * declared) else math.inf


def _by_index(container: Any, stream: Any, size: int, limits: LimitsSpec) -> _Found | None:
    """From the sample table of an MP4; None if it has none that tells all."""
    index = getattr(stream, "index_entries", ())
    if not index or len(index) != stream.frames or stream.start_time is None:
        return None
    _check_count(len(index), limits)
    keys: array[int] = array("q")
    stamps: array[int] = array("q")
    there = 0
    for entry in index:
        stamps.append(entry.timestamp)
        if entry.is_discard:
            return None
        if there == len(stamps) - 1 and entry.pos + entry.size <= size:
            there += 1
            if entry.is_keyframe:
                keys.append(entry.timestamp)
    first = stamps[0]
    step = max(1, (stamps[-1] - first) // max(1, len(stamps) - 1))
    if not there:
        raise MediaError("video", "no-frames", "the file ends before its first frame")
    shift = stream.start_time - first
    if there == len(stamps):
        end = there_end = _tail(container, stream, keys[-1] if keys else first) - shift
    else:
        end, there_end = stamps[-1] + step, stamps[there]
    check_seconds((there_end - first) * float(stream.time_base), limits)
    return _Found(first, there_end, end, stamps[:there], keys, shift, by_dts=True)


def _tail(container: Any, stream: Any, key: int) -> int:
    """When the last frame ends: an index only tells when frames are to be decoded."""
    with suppress(av.FFmpegError):
        container.seek(key, stream=stream)
    step = _step(stream)
    ends = [
        packet.pts + _shown(packet.duration or 0, step, stream)
        for packet in _packets(container, [stream])
        if packet.pts is not None
    ]
    return max(ends, default=key + step)


def _by_packets(container: Any, stream: Any, limits: LimitsSpec) -> _Found:
    keys: array[int] = array("q")
    stamps: array[int] = array("q")
    ends: array[int] = array("q")
    other_end = 0.0
    step = _step(stream)
    for packet in _packets(container, list(container.streams)):  # its length is that of all
        stamp = packet.dts if packet.pts is None else packet.pts
        if stamp is None:
            continue
        if packet.stream_index != stream.index:
            other_end = max(other_end, (stamp + (packet.duration or 0)) * float(packet.time_base))
            continue
        if packet.is_keyframe:
            keys.append(stamp)
        if not packet.is_discard:
            stamps.append(stamp)
            ends.append(stamp + _shown(packet.duration or 0, step, stream))
            _check_count(len(stamps), limits)
    if not stamps:
        raise MediaError("video", "no-frames", "the video holds no picture")
    base = float(stream.time_base)
    first, last = _believed(stamps, base, limits)
    end = max(e for s, e in zip(stamps, ends, strict=True) if first <= s <= last)
    check_seconds((end - first) * base, limits)
    sound = array("q", (s for s in stamps if first <= s <= last))
    slack = math.inf if len(sound) == len(stamps) else _WILD
    keys = array("q", sorted({key for key in keys if first <= key <= last}))
    all_end = round(max(end, other_end / base))
    return _Found(first, end, all_end, sound, keys, 0, by_dts=False, slack=slack)


def _believed(stamps: array[int], base: float, limits: LimitsSpec) -> tuple[int, int]:
    """The first and the last stamp of a video.

    Where it would be too long, of those that nearly all packets agree on: one broken stamp is no
    reason to refuse the others.
    """
    ordered = np.sort(np.frombuffer(stamps, np.int64))
    if float(ordered[-1]) - float(ordered[0]) > limits.max_seconds / base:
        gaps = np.diff(ordered.astype(np.float64)) * base
        most = max(np.split(ordered, np.flatnonzero(gaps > _WILD) + 1), key=len)
        if len(most) >= _NEARLY_ALL * len(ordered):
            ordered = most
    return int(ordered[0]), int(ordered[-1])


def _step(stream: Any) -> int:
    """How long a frame is shown where nothing tells."""
    rate = float(stream.average_rate or stream.guessed_rate or _RATE)
    return max(1, round(1 / rate / float(stream.time_base)))


def _shown(claimed: int, step: int, stream: Any) -> int:
    """For how long a frame is shown, by what its packet claims or else as the others."""
    return claimed if 0 < claimed * float(stream.time_base) <= _LONGEST_FRAME else step


def _usual_gap(stamps: array[int]) -> float:
    """From a packet to the next, where all but some follow each other steadily, else infinite."""
    gaps = np.diff(np.sort(np.frombuffer(stamps, np.int64))).astype(np.float64)
    if not len(gaps):
        return math.inf
    usual = float(np.median(gaps))
    steady = np.abs(gaps - usual) <= usual / 2
    return usual if steady.mean() >= _STEADY else math.inf


def _packets(container: Any, streams: Sequence[Any]) -> Iterator[Any]:
    """Packets; a container that breaks off is what it holds."""
    with suppress(av.FFmpegError):
        yield from packets(container, streams)


def _check_count(count: int, limits: LimitsSpec) -> None:
    if count > limits.max_seconds * _MOST_A_SECOND:
        raise MediaError(STAGE, "too-many-packets", f"{count} packets of pictures and more")
