"""Containers of sound and pictures: their first headers tell what they hold."""

from __future__ import annotations

import re
from typing import Final

from mmcore.media.sniffing.kinds import Kind
from storage.schemas import Modality

_AVIF: Final[Kind] = (Modality.IMAGE, "image/avif")
_HEIC: Final[Kind] = (Modality.IMAGE, "image/heic")
_HEIF: Final[Kind] = (Modality.IMAGE, "image/heif")
_BRANDS: Final[dict[bytes, Kind | None]] = {
    **dict.fromkeys((b"avif", b"avis"), _AVIF),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis"), _HEIC),
    **dict.fromkeys((b"hevc", b"hevx", b"hevm", b"hevs"), _HEIC),
    **dict.fromkeys((b"mif1", b"mif2", b"msf1", b"miaf"), _HEIF),
    **dict.fromkeys((b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B "), (Modality.AUDIO, "audio/mp4")),
    b"qt  ": (Modality.VIDEO, "video/quicktime"),
    b"M4V ": (Modality.VIDEO, "video/x-m4v"),
    b"crx ": None,  # a raw photograph
    b"jxl ": None,
}
_PREFIXES: Final[dict[bytes, Kind]] = {
    b"3gp": (Modality.VIDEO, "video/3gpp"),
    b"3gr": (Modality.VIDEO, "video/3gpp"),
    b"3gs": (Modality.VIDEO, "video/3gpp"),
    b"3g2": (Modality.VIDEO, "video/3gpp2"),
}
_OLD_QUICKTIME: Final = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_ASF: Final = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_VIDEO: Final = bytes.fromhex("c0ef19bc4d5bcf11a8fd00805f5c442b")
_OGG_VIDEO: Final = (b"\x80theora", b"\x01video\0", b"BBCD\0", b"OVP80")
_EBML: Final = b"\x1a\x45\xdf\xa3"
_TRACKS: Final = re.compile(rb"\x16\x54\xae\x6b")  # also stands where it is looked up
_FIRST: Final = (b"\xae", b"\xbf\x84")  # in a list of tracks: a track, or a checksum
_CODEC: Final = re.compile(rb"\x86[\x81-\xff]([AV])_[A-Z0-9]")
_PACKETS: Final = ((0, 188), (4, 192), (0, 204))  # where the sync bytes of MPEG-TS stand


def is_box(head: bytes) -> bool:
    """Whether ISO base media, or QuickTime from before it had brands, begins here."""
    return head[:2] == b"\0\0" and (head[4:8] == b"ftyp" or head[4:8] in _OLD_QUICKTIME)


def boxes(head: bytes) -> Kind | None:
    """MP4, QuickTime, 3GP, AVIF, HEIF by the brand; None for a raw photograph."""
    if head[4:8] != b"ftyp":
        return Modality.VIDEO, "video/quicktime"
    kind = _BRANDS.get(head[8:12], _PREFIXES.get(head[8:11], (Modality.VIDEO, "video/mp4")))
    return _named_still(head) if kind == _HEIF else kind


def _named_still(head: bytes) -> Kind:
    """The codec of a still of a general brand, by the brands it is compatible with."""
    end = min(int.from_bytes(head[:4], "big"), len(head))
    compatible = (_BRANDS.get(head[at : at + 4]) for at in range(16, end, 4))
    return next((kind for kind in compatible if kind in {_AVIF, _HEIC}), None) or _HEIF


def streams(head: bytes) -> Kind | None:
    """Ogg, Matroska and WebM, ASF, MPEG-TS."""
    if head.startswith(b"OggS"):
        video = any(mark in head for mark in _OGG_VIDEO)
        return (Modality.VIDEO, "video/ogg") if video else (Modality.AUDIO, "audio/ogg")
    if head.startswith(_EBML):
        return _matroska(head)
    if head.startswith(_ASF):
        video = _ASF_VIDEO in head
        return (Modality.VIDEO, "video/x-ms-wmv") if video else (Modality.AUDIO, "audio/x-ms-wma")
    for first, step in _PACKETS:
        if head[first::step][:3] == b"GGG" and b"\0" in head:
            return Modality.VIDEO, "video/mp2t"
    return None


def _matroska(head: bytes) -> Kind:
    """Sound only where the head holds the whole list of tracks and no picture is among them."""
    subtype = "webm" if b"webm" in head[:64] else "x-matroska"
    lists = (_element(head, found.end()) for found in _TRACKS.finditer(head))
    tracks = next((one for one in lists if one and one.startswith(_FIRST)), b"")
    sound = set(_CODEC.findall(tracks)) == {b"A"}
    return (Modality.AUDIO, f"audio/{subtype}") if sound else (Modality.VIDEO, f"video/{subtype}")


def _element(head: bytes, at: int) -> bytes | None:
    """The bytes of the EBML element whose size stands at ``at``; None where the head ends."""
    if at >= len(head) or not head[at]:
        return None
    length = 9 - head[at].bit_length()
    size = int.from_bytes(head[at : at + length], "big") & ~(1 << 7 * length)
    body = head[at + length : at + length + size]
    return body if len(body) == size else None
