"""Type from content, never from the name."""

from __future__ import annotations

import codecs
import re
from typing import Final

from storage.schemas import Modality

HEAD: Final = 4096
"""Bytes of a file that :func:`sniff` wants to see."""

Kind = tuple[Modality, str]

_PREFIXES: Final[tuple[tuple[bytes, Kind], ...]] = (
    (b"\xff\xd8\xff", (Modality.IMAGE, "image/jpeg")),
    (b"\x89PNG\r\n\x1a\n", (Modality.IMAGE, "image/png")),
    (b"GIF87a", (Modality.IMAGE, "image/gif")),
    (b"GIF89a", (Modality.IMAGE, "image/gif")),
    (b"II*\0", (Modality.IMAGE, "image/tiff")),
    (b"MM\0*", (Modality.IMAGE, "image/tiff")),
    (b"\0\0\0\x0cjP  \r\n\x87\n", (Modality.IMAGE, "image/jp2")),
    (b"fLaC", (Modality.AUDIO, "audio/flac")),
    (b"ID3\x02", (Modality.AUDIO, "audio/mpeg")),
    (b"ID3\x03", (Modality.AUDIO, "audio/mpeg")),
    (b"ID3\x04", (Modality.AUDIO, "audio/mpeg")),
    (b".snd\0", (Modality.AUDIO, "audio/basic")),
    (b"#!AMR", (Modality.AUDIO, "audio/amr")),
    (b"caff\0", (Modality.AUDIO, "audio/x-caf")),
    (b"wvpk", (Modality.AUDIO, "audio/x-wavpack")),
    (b"FLV\x01", (Modality.VIDEO, "video/x-flv")),
    (b"\0\0\x01\xba", (Modality.VIDEO, "video/mpeg")),
    (b"\0\0\x01\xb3", (Modality.VIDEO, "video/mpeg")),
)
_RIFF: Final[dict[bytes, Kind]] = {
    b"WEBP": (Modality.IMAGE, "image/webp"),
    b"WAVE": (Modality.AUDIO, "audio/wav"),
    b"AVI ": (Modality.VIDEO, "video/x-msvideo"),
}
_BRANDS: Final[dict[bytes, Kind]] = {
    b"avif": (Modality.IMAGE, "image/avif"),
    b"avis": (Modality.IMAGE, "image/avif"),
    b"M4A ": (Modality.AUDIO, "audio/mp4"),
    b"M4B ": (Modality.AUDIO, "audio/mp4"),
    b"qt  ": (Modality.VIDEO, "video/quicktime"),
}
_NO_DECODER: Final = (
    b"%PDF",
    b"%!PS",
    b"{\\rtf",
    b"/* XPM */",
)  # readable bytes that are no text for people
_STILLS: Final = (b"hei", b"hev", b"mif1", b"msf1", b"crx ")  # HEIC and raw: no decoder here
_OLD_QUICKTIME: Final = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_ASF: Final = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_VIDEO: Final = bytes.fromhex("c0ef19bc4d5bcf11a8fd00805f5c442b")
_OGG_VIDEO: Final = (b"\x80theora", b"\x01video\0", b"BBCD\0", b"OVP80")
_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_PNM: Final = re.compile(rb"P[1-6]\s+(?:#[^\n]*\n\s*)*\d+\s+\d+\s")
_SVG: Final = re.compile(
    rb"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*(?:<!DOCTYPE\s+svg|<svg\b)", re.S
)
_CONTROLS: Final = frozenset(range(32)) - frozenset(b"\t\n\r\f\x1a\x1b") | {127}
_ASCII_SHARE: Final = 0.8  # a text in some other 8-bit charset is mostly ASCII
_TEXT: Final[Kind] = (Modality.TEXT, "text/plain")


def sniff(head: bytes) -> Kind | None:
    """Return (modality, media type) of a file by its first 4 KiB; None when nothing reads it."""
    for prefix, kind in _PREFIXES:
        if head.startswith(prefix):
            return kind
    if head.startswith(_NO_DECODER) or _SVG.match(head):
        return None
    if head.startswith(_UTF16) and _is_text(head):  # FF FE also begins a frame of MPEG sound
        return _TEXT
    for container in (_riff, _boxes, _streams, _pixels, _frames):
        found = container(head)
        if found:
            return found
    return _TEXT if _is_text(head) else None


def _riff(head: bytes) -> Kind | None:
    if head[:4] in {b"RIFF", b"RF64"}:
        return _RIFF.get(head[8:12])
    if head[:4] == b"FORM" and head[8:12] in {b"AIFF", b"AIFC"}:
        return Modality.AUDIO, "audio/aiff"
    return None


def _boxes(head: bytes) -> Kind | None:
    """ISO base media: MP4, QuickTime, 3GP, AVIF."""
    if head[4:8] in _OLD_QUICKTIME and head[:2] == b"\0\0":
        return Modality.VIDEO, "video/quicktime"
    if head[4:8] != b"ftyp":
        return None
    brand = head[8:12]
    if brand in {b"mif1", b"msf1"} and b"avif" in head[16:64]:
        return _BRANDS[b"avif"]
    if brand.startswith(_STILLS):
        return None
    return _BRANDS.get(brand, (Modality.VIDEO, "video/mp4"))


def _streams(head: bytes) -> Kind | None:
    """Containers that hold sound or pictures: their first headers tell which."""
    if head.startswith(b"OggS"):
        video = any(mark in head for mark in _OGG_VIDEO)
        return (Modality.VIDEO, "video/ogg") if video else (Modality.AUDIO, "audio/ogg")
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return Modality.VIDEO, "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    if head.startswith(_ASF):
        video = _ASF_VIDEO in head
        return (Modality.VIDEO, "video/x-ms-wmv") if video else (Modality.AUDIO, "audio/x-ms-wma")
    if head[:1] == head[188:189] == head[376:377] == b"G" and b"\0" in head:
        return Modality.VIDEO, "video/mp2t"
    return None


def _pixels(head: bytes) -> Kind | None:
    if head[:2] == b"BM" and head[6:10] == b"\0\0\0\0":
        return Modality.IMAGE, "image/bmp"
    if _PNM.match(head):
        return Modality.IMAGE, "image/x-portable-anymap"
    return None


def _frames(head: bytes) -> Kind | None:
    """MPEG audio without a container: the sync word, then fields with no forbidden value."""
    if len(head) < 4 or head[0] != 0xFF:  # noqa: PLR2004 - the sync word's first byte
        return None
    if head[1] & 0xF6 == 0xF0:  # noqa: PLR2004 - ADTS: 12 sync bits, layer 00
        return Modality.AUDIO, "audio/aac"
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bitrate, rate = head[2] >> 4, head[2] >> 2 & 3
    forbidden = (version, 1), (layer, 0), (bitrate, 0), (bitrate, 15), (rate, 3)
    valid = head[1] >> 5 == 7 and all(field != value for field, value in forbidden)  # noqa: PLR2004
    return (Modality.AUDIO, "audio/mpeg") if valid else None


def _is_text(head: bytes) -> bool:
    """Whether the bytes are text: UTF-16/32 with a mark, UTF-8, GB18030, Big5, or nearly ASCII."""
    if head.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return _decodes(head, "utf-32")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _decodes(head, "utf-16")
    if not head or not _CONTROLS.isdisjoint(head):
        return False
    if any(_decodes(head, charset) for charset in ("utf-8", "gb18030", "big5")):
        return True
    return sum(byte < 128 for byte in head) >= _ASCII_SHARE * len(head)  # noqa: PLR2004 - ASCII


def _decodes(head: bytes, charset: str) -> bool:
    """Whether ``head``, which may end inside a character, is valid in ``charset``."""
    try:
        codecs.getincrementaldecoder(charset)("strict").decode(head, final=len(head) < HEAD)
    except UnicodeDecodeError:
        return False
    return True
