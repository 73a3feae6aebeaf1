"""The subtitles inside of a video → pieces of text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import av
from av.stream import Discard

from mmcore.errors import MediaError
from mmcore.media.container import opened, reading
from mmcore.media.extents import told_short
from mmcore.media.limits import check_segments, check_text_bytes
from mmcore.media.pieces import Damage, Pieces
from mmcore.media.texts import charset
from mmcore.media.texts.cues import Cue, cue_pieces, plain
from mmcore.media.videos.packets import packets
from mmcore.media.videos.streams import require_media
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Content, Span

_UNSAID: Final = 3.0  # seconds that a cue is shown where neither it nor the next one tells
_SEPARATOR: Final = "\x1e"  # no byte of a character in any charset
_ASS_FIELDS: Final = 8  # before the text: ReadOrder, Layer, Style, Name, three margins, Effect
_BOX: Final = 8  # bytes of a box's head


@dataclass(slots=True)
class _Track:
    read: Callable[[bytes], bytes]
    starts: list[float] = field(default_factory=list)
    lengths: list[float] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    broken: dict[int, MediaError] = field(default_factory=dict)  # cue → its broken-text

    def hold(self, packet: Any, zero: float) -> int:
        """Keep the cue of a packet, ``zero`` being the file's first second; bytes of its text."""
        try:
            text = self.read(bytes(packet))
        except MediaError as error:
            text = b""
            self.broken[len(self.texts)] = error
        self.starts.append(float(packet.pts * packet.time_base) - zero)
        self.lengths.append(float((packet.duration or 0) * packet.time_base))
        self.texts.append(text)
        return len(text)


def subtitles(content: Content, spec: SegmentationSpec, limits: LimitsSpec) -> Pieces:
    """The passages of each track of subtitles that is text, with spans in seconds.

    Source ``subtitle:N``, N counting such tracks from 0; tracks of pictures (DVD, Blu-ray) are
    left out, and a file without any is not read beyond its header. Cues are packed as those of
    a subtitle file. What a container that breaks off held till then is used. That break, the cues
    of a track that are not valid in its charset (one Damage over all of them), and a track whose
    charset is not known are Damages. MediaError
    (no-stream, too-many-bytes, too-many-segments).
    """
    with opened(content, "video") as container:
        tracks = {s.index: _Track(_READERS[_codec(s)]) for s in _text_streams(container)}
        if not tracks:
            require_media(container)
            return
        broken = _fill(container, tracks, limits)
    count = 0
    for number, track in enumerate(tracks.values()):
        source = f"subtitle:{number}"
        try:
            pieces = list(cue_pieces(_cues(track), spec, source))
        except MediaError as error:
            yield Damage(error, source)
            continue
        count += len(pieces)
        check_segments(count, limits)
        yield from pieces
        yield from _damages(track, source)
        if broken is not None:
            yield Damage(told_short(broken, content.location), source)


def _codec(stream: Any) -> str:
    return "" if stream.codec_context is None else str(stream.codec_context.name)


def _text_streams(container: Any) -> list[Any]:
    return [stream for stream in container.streams.subtitles if _codec(stream) in _READERS]


def _fill(container: Any, tracks: Mapping[int, _Track], limits: LimitsSpec) -> MediaError | None:
    """Read the cues of all tracks; the error at which the container broke off, if it did."""
    for stream in container.streams:
        stream.discard = Discard.default if stream.index in tracks else Discard.all
    zero = (container.start_time or 0) / av.time_base
    size = 0
    try:
        with reading("video"):
            for packet in packets(container, [container.streams[index] for index in tracks]):
                if packet.pts is None:
                    continue
                size += tracks[packet.stream_index].hold(packet, zero) + 1  # an empty one counts
                check_text_bytes(size, limits)
    except MediaError as error:
        if error.reason != "decode-error":
            raise
        return error
    return None


def _cues(track: _Track) -> list[Cue]:
    """The cues of a track; one without a length is shown until the next, or for a while.

    MediaError where its text is in no charset, or none of it is valid in its own.
    """
    texts = _decoded(track)
    if track.broken and not any(texts):
        raise next(iter(track.broken.values()))
    ends = [*track.starts[1:], float("inf")]
    cues: list[Cue] = []
    for start, length, end, text in zip(track.starts, track.lengths, ends, texts, strict=False):
        stop = start + (length if length > 0 else min(_UNSAID, max(0.0, end - start)))
        cues.append(Cue(start, stop, plain(text)))
    return cues


def _decoded(track: _Track) -> list[str]:
    """The texts of all cues; those that are broken are empty, and kept in ``track.broken``.

    A charset is guessed from all of them. Where some bytes fit in none, a track of which most cues
    are UTF-8, as containers want it, is taken for that.
    """
    try:
        return charset.decode(_SEPARATOR.encode().join(track.texts)).split(_SEPARATOR)
    except MediaError:
        texts = [_utf8(text) for text in track.texts]
        broken = [index for index, text in enumerate(texts) if text is None]
        if not 0 < 2 * len(broken) < len(texts):
            raise
        error = MediaError("text", "broken-text", "not valid utf-8, as the others are")
        track.broken |= dict.fromkeys(broken, error)
        return [text or "" for text in texts]


def _utf8(data: bytes) -> str | None:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _damages(track: _Track, source: str) -> Iterator[Damage]:
    """One for all cues that are broken."""
    if track.broken:
        first, last = min(track.broken), max(track.broken)
        error = track.broken[first]
        message = f"{len(track.broken)} of {len(track.texts)} cues: {error.message}"
        end = track.starts[last] + max(0.0, track.lengths[last])
        span = Span(max(0.0, track.starts[first]), max(0.0, track.starts[first], end), "second")
        yield Damage(MediaError("text", "broken-text", message), source, span)


def _bare(data: bytes) -> bytes:
    return data.replace(_SEPARATOR.encode(), b"").rstrip(b"\0")


def _ass(data: bytes) -> bytes:
    """The text of an event as Matroska holds it."""
    fields = data.split(b",", _ASS_FIELDS)
    return _bare(fields[-1]) if len(fields) > _ASS_FIELDS else b""


def _mov_text(data: bytes) -> bytes:
    """The text of a sample of 3GPP timed text: its length, it, then boxes of style.

    MediaError ``broken-text``: no byte is replaced.
    """
    text = data[2 : 2 + int.from_bytes(data[:2])]
    if text[:2] in {b"\xfe\xff", b"\xff\xfe"}:
        try:
            text = text.decode("utf-16").encode()
        except UnicodeDecodeError as error:
            raise MediaError("text", "broken-text", f"not valid utf-16: {error}") from error
    return _bare(text)


def _webvtt(data: bytes) -> bytes:
    """The text of a cue as it is, or of the cue boxes of an MP4's sample."""
    if data[4:8] not in {b"vttc", b"vtte", b"vttx"}:
        return _bare(data)
    return _bare(b"\n".join(_payloads(data)))


def _payloads(data: bytes) -> list[bytes]:
    found: list[bytes] = []
    place = 0
    while place + _BOX <= len(data):
        size, name = int.from_bytes(data[place : place + 4]), data[place + 4 : place + _BOX]
        if size < _BOX:
            break
        if name == b"payl":
            found.append(data[place + _BOX : place + size])
        place += _BOX if name == b"vttc" else size  # a cue box holds others
    return found


_READERS: Final[Mapping[str, Callable[[bytes], bytes]]] = MappingProxyType(
    {
        "ass": _ass,
        "ssa": _ass,
        "mov_text": _mov_text,
        "srt": _bare,
        "subrip": _bare,
        "text": _bare,
        "webvtt": _webvtt,
    }
)
