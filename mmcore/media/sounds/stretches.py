"""A stretch far inside of a sound, decoded without what comes before it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import av

from mmcore.media.container import check_decoder, opened, reading
from mmcore.media.sounds.decode import Gap, Heard, decoded
from mmcore.media.sounds.lengths import demuxing, is_exact, lateness
from mmcore.specs import LimitsSpec
from mmcore.types import Content
from storage.schemas import Modality

FAR: Final = 30.0
"""Seconds before a stretch that are decoded as well as skipped."""

_BEFORE: Final = 1.0  # seconds in which a decoder finds its way
_EXACT_TOO: Final = frozenset({"matroska", "ogg"})  # they say when each packet is heard


def heard_from(
    content: Content, start: float, limits: LimitsSpec, track: int = 0
) -> Iterator[tuple[float, Heard]]:
    """What is heard about from ``start`` seconds on: (second, samples), as :func:`blocks` counts.

    Nothing comes of a file that does not tell where its packets belong: it has to be decoded from
    the beginning. Damage is passed over. Raises MediaError as of :func:`blocks`.
    """
    stage = "video" if content.modality is Modality.VIDEO else "audio"
    with opened(content, stage, demuxing(content)) as container:
        tracks = container.streams.audio
        if track >= len(tracks) or not _tells_times(container):
            return
        stream = tracks[track]
        check_decoder(stream, "audio")
        zero = _zero(content, container, stream, limits)
        at = _first(container, stream, zero + start - _BEFORE)
        if at is None:
            return
        container.seek(_ticks(zero + start - _BEFORE))
        second = at - zero
        for event in decoded(container, stream):
            if isinstance(event, Gap):
                second += event.seconds
            else:
                yield second, event
                second += len(event.samples) / event.rate


def _tells_times(container: Any) -> bool:
    return is_exact(container) or container.format.name.split(",")[0] in _EXACT_TOO


def _zero(content: Content, container: Any, stream: Any, limits: LimitsSpec) -> float:
    """The container's time at which the clock of the sound begins."""
    begins = 0.0 if stream.start_time is None else float(stream.start_time * stream.time_base)
    late = lateness(container, stream, limits) if content.modality is Modality.VIDEO else 0.0
    return begins - late


def _first(container: Any, stream: Any, time: float) -> float | None:
    """The time of the packet that decoding begins with after a seek; None where it tells none."""
    with reading("audio"):
        container.seek(_ticks(time))
        packet = next(container.demux(stream), None)
    if packet is None or packet.pts is None:
        return None
    return float(packet.pts * packet.time_base)


def _ticks(time: float) -> int:
    return max(0, round(time * av.time_base))
