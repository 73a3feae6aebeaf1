"""Formats told by a fixed signature."""

from __future__ import annotations

import re
from typing import Final

from mmcore.media.sniffing.charsets import is_plain
from mmcore.media.sniffing.kinds import Kind
from storage.schemas import Modality

_PREFIXES: Final[tuple[tuple[bytes, Kind], ...]] = (
    (b"\xff\xd8\xff", (Modality.IMAGE, "image/jpeg")),
    (b"GIF87a", (Modality.IMAGE, "image/gif")),
    (b"GIF89a", (Modality.IMAGE, "image/gif")),
    (b"\0\0\0\x0cjP  \r\n\x87\n", (Modality.IMAGE, "image/jp2")),
    (b"\xff\x4f\xff\x51", (Modality.IMAGE, "image/jp2")),
    (b"\0\0\1\0", (Modality.IMAGE, "image/x-icon")),
    (b"icns", (Modality.IMAGE, "image/icns")),
    (b"8BPS\0\1", (Modality.IMAGE, "image/vnd.adobe.photoshop")),
    (b"DDS \x7c\0\0\0", (Modality.IMAGE, "image/vnd-ms.dds")),
    (b"qoif", (Modality.IMAGE, "image/x-qoi")),
    (b"\x59\xa6\x6a\x95", (Modality.IMAGE, "image/x-sun-raster")),
    (b"fLaC", (Modality.AUDIO, "audio/flac")),
    (b"ID3\x02", (Modality.AUDIO, "audio/mpeg")),
    (b"ID3\x03", (Modality.AUDIO, "audio/mpeg")),
    (b"ID3\x04", (Modality.AUDIO, "audio/mpeg")),
    (b".snd\0", (Modality.AUDIO, "audio/basic")),
    (b"#!AMR", (Modality.AUDIO, "audio/amr")),
    (b"caff\0", (Modality.AUDIO, "audio/x-caf")),
    (b"wvpk", (Modality.AUDIO, "audio/x-wavpack")),
    (b"TTA1", (Modality.AUDIO, "audio/x-tta")),
    (b"MPCK", (Modality.AUDIO, "audio/x-musepack")),
    (b"tBaK", (Modality.AUDIO, "audio/x-tak")),
    (b"FLV\x01", (Modality.VIDEO, "video/x-flv")),
    (b"\0\0\x01\xba", (Modality.VIDEO, "video/mpeg")),
    (b"\0\0\x01\xb3", (Modality.VIDEO, "video/mpeg")),
)
_WEAK: Final[tuple[tuple[re.Pattern[bytes], Kind], ...]] = (
    (re.compile(rb"MAC .\x0f", re.S), (Modality.AUDIO, "audio/x-ape")),
    (re.compile(rb"MP\+[\x07\x17\x27]"), (Modality.AUDIO, "audio/x-musepack")),
    (re.compile(rb"DSD \x1c\0{7}"), (Modality.AUDIO, "audio/x-dsf")),
    (re.compile(rb"\x0b\x77..[^\xc0-\xff][\0-\x87]", re.S), (Modality.AUDIO, "audio/ac3")),
)
_ANYMAP: Final[Kind] = (Modality.IMAGE, "image/x-portable-anymap")
_BITMAPS: Final[tuple[tuple[re.Pattern[bytes], Kind], ...]] = (
    (re.compile(rb"\x01\xda[\0\1][\1\2]"), (Modality.IMAGE, "image/sgi")),
    (re.compile(rb"\x0a[\0\2-\5][\0\1][\1\2\4\x08]"), (Modality.IMAGE, "image/x-pcx")),
    (re.compile(rb"P[456]\s+(?:#[^\n]*\n\s*)*\d+\s+\d+\s"), _ANYMAP),
    (re.compile(rb"P[fF]\s+\d+\s+\d+\s"), _ANYMAP),
)
_PLAIN_ANYMAP: Final = re.compile(rb"P[123]\s")
_XPM: Final = re.compile(rb"/\* XPM \*/\s*(?:static\s|/\*)")
_RIFF: Final[dict[bytes, Kind]] = {
    b"WEBP": (Modality.IMAGE, "image/webp"),
    b"WAVE": (Modality.AUDIO, "audio/wav"),
    b"AVI ": (Modality.VIDEO, "video/x-msvideo"),
}


def is_flic(head: bytes) -> bool:
    """Whether it is an animation of Autodesk's FLI or FLC, which nothing here reads."""
    return head[4:6] in {b"\x11\xaf", b"\x12\xaf"}


def strong(head: bytes) -> Kind | None:
    """What begins with a signature, and is no text that begins with the same letters."""
    found = next((kind for prefix, kind in _PREFIXES if head.startswith(prefix)), None)
    found = found or _riff(head) or _pixels(head)
    return None if found is None or is_plain(head) else found


def drawn_in_text(head: bytes) -> Kind | None:
    """Pictures that are written in letters: plain anymaps, X pixmaps."""
    if _XPM.match(head):
        return Modality.IMAGE, "image/x-xpixmap"
    if not _PLAIN_ANYMAP.match(head):
        return None
    numbers = re.sub(rb"#[^\n]*", b"", head[2:])
    return None if numbers.translate(None, b"0123456789 \t\r\n") else _ANYMAP


def weak(head: bytes) -> Kind | None:
    """What begins with a signature too short to be asked before text is."""
    return next((kind for pattern, kind in _WEAK if pattern.match(head)), None)


def _riff(head: bytes) -> Kind | None:
    if head[:4] in {b"RIFF", b"RF64"}:
        return _RIFF.get(head[8:12])
    if head[:4] == b"FRM8" and head[12:16] == b"DSD ":
        return Modality.AUDIO, "audio/x-dff"
    if head[:4] == b"FORM" and head[8:12] in {b"AIFF", b"AIFC"}:
        return Modality.AUDIO, "audio/aiff"
    return None


def _pixels(head: bytes) -> Kind | None:
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0":
        return Modality.IMAGE, "image/bmp"
    return next((kind for pattern, kind in _BITMAPS if pattern.match(head)), None)
