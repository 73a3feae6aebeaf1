"""How long a sound is by its header, and how much of that is to be believed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import av

from mmcore.media.container import declared_seconds
from mmcore.media.sounds.chunks import declared_bytes
from mmcore.media.sounds.mpeg import told_seconds
from mmcore.media.sounds.wave import is_understated
from mmcore.specs import LimitsSpec
from mmcore.types import Content

_FEWEST_BITS: Final = 1000  # a second: no speech and no music takes less
_EXACT: Final = frozenset({"aiff", "au", "caf", "flac", "mov", "w64", "wav", "wv"})
_COUNTED: Final = frozenset({"caf", "w64", "wav"})  # FFmpeg tells what is there, not what was
_SAMPLE_BITS: Final = re.compile(r"pcm_[suf](\d+)")
_STREAMED: Final = 0x7FFF_F000  # bytes: a writer that could not know the length says this or more
_LATE: Final = 0.1  # seconds after which a video's track counts as beginning later


def demuxing(content: Content) -> Mapping[str, str]:
    """Options of the demuxer: a WAV whose header says too little is read to its end."""
    return {"ignore_length": "1"} if is_understated(content.location) else {}


def is_exact(container: Any) -> bool:
    """Whether the container knows each packet's time, so that nothing in it is mere junk."""
    return container.format.name.split(",")[0] in _EXACT


def declared_by(container: Any, stream: Any) -> float:
    """Seconds by the header, the track's own where it has any; 0 when nothing is said."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return declared_seconds(container) or 0.0


def is_plausible(seconds: float, stream: Any, content: Content) -> bool:
    """Whether the file is large enough for its header's length: else decoding will tell."""
    return content.size * 8 >= seconds * max(_FEWEST_BITS, (stream.bit_rate or 0) / 2)


def exactly(
    declared: float, container: Any, stream: Any, content: Content, limits: LimitsSpec
) -> float:
    """The declared length where it is more than an estimate and not absurd, else 0."""
    if container.format.name == "mp3":
        declared = told_seconds(content.location, stream.codec_context.sample_rate or 0)
        return declared if declared <= limits.max_seconds else 0.0
    if container.format.name in _COUNTED:
        declared = max(declared, _counted(stream, content))
    streamed = declared * (stream.bit_rate or 0) / 8 >= _STREAMED
    sensible = not streamed and declared <= limits.max_seconds
    return declared if is_exact(container) and sensible else 0.0


def _counted(stream: Any, content: Content) -> float:
    """Seconds by the bytes that a header counts of plain samples; 0 where it does not know."""
    context = stream.codec_context
    found = _SAMPLE_BITS.match(context.name)
    total = declared_bytes(content.location) if found else 0
    if found is None or not 0 < total < _STREAMED or not context.sample_rate:
        return 0.0
    frame = int(found.group(1)) * max(1, int(context.channels))  # bits
    return total * 8 / (frame * int(context.sample_rate))


def lateness(container: Any, stream: Any, limits: LimitsSpec) -> float:
    """Seconds from the beginning of a video to that of its sound."""
    if stream.start_time is None or container.start_time is None:
        return 0.0
    late = float(stream.start_time * stream.time_base) - container.start_time / av.time_base
    return late if _LATE <= late <= limits.max_seconds else 0.0
