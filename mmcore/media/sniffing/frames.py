"""MPEG sound without a container: a sync word, then fields with no forbidden value."""

from __future__ import annotations

from typing import Final

from mmcore.media.sniffing.kinds import Kind
from storage.schemas import Modality

_CHAIN: Final = 3  # headers that must follow each other where what comes first is junk
_MP3: Final[Kind] = (Modality.AUDIO, "audio/mpeg")
_AAC: Final[Kind] = (Modality.AUDIO, "audio/aac")
# Kilobits a second by index, 1 to 14 (ISO 11172-3 and 13818-3).
_RATES_1: Final = {
    1: (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    2: (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    3: (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
}
_RATES_2: Final = {
    1: (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    2: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    3: (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_HERTZ_ALONE: Final = 0x0C  # the bits of the third byte that tell it
_HERTZ: Final = (44_100, 48_000, 32_000)


def first_frame(head: bytes) -> Kind | None:
    """Sound whose first frame begins the file; one of layer I or II must be followed by another.

    Those are rare, and FF FE, the mark of UTF-16, looks like the first.
    """
    if len(head) < 4 or head[0] != 0xFF:  # noqa: PLR2004 - the sync word's first byte
        return None
    if head[1] & 0xF6 == 0xF0:  # noqa: PLR2004 - ADTS: 12 sync bits, layer 00
        return _AAC
    length = _length(head, 0)
    is_mp3 = head[1] >> 1 & 3 == 1
    return _MP3 if length and (is_mp3 or _length(head, length)) else None


def later_frames(head: bytes) -> Kind | None:
    """Sound whose frames begin after junk: several that follow each other, all of one kind."""
    at = head.find(0xFF)
    while at >= 0:
        if _follows(head, at):
            return _MP3
        at = head.find(0xFF, at + 1)
    return None


def _follows(head: bytes, at: int) -> bool:
    """Whether a chain of MP3 frames of one version, layer and rate begins at ``at``."""
    kinds = set()
    for _ in range(_CHAIN):
        length = _length(head, at)
        if not length:
            return False
        kinds.add((head[at + 1], head[at + 2] & _HERTZ_ALONE))
        at += length
    return len(kinds) == 1


def _length(head: bytes, at: int) -> int:
    """Bytes of the MP3 frame whose header stands at ``at``; 0 for what is no header."""
    if at + 4 > len(head) or head[at] != 0xFF or head[at + 1] >> 5 != 7:  # noqa: PLR2004
        return 0
    version, layer = head[at + 1] >> 3 & 3, 4 - (head[at + 1] >> 1 & 3)
    bitrate, hertz, padding = head[at + 2] >> 4, head[at + 2] >> 2 & 3, head[at + 2] >> 1 & 1
    if version == 1 or layer == 4 or bitrate in {0, 15} or hertz == 3:  # noqa: PLR2004 - forbidden
        return 0
    newest = version == 3  # noqa: PLR2004 - MPEG 1; 2 is MPEG 2, 0 is MPEG 2.5
    kilobits = (_RATES_1 if newest else _RATES_2)[layer][bitrate - 1]
    rate = _HERTZ[hertz] >> {3: 0, 2: 1, 0: 2}[version]
    if layer == 1:
        return (12_000 * kilobits // rate + padding) * 4
    halved = layer == 3 and not newest  # noqa: PLR2004 - a frame of one granule
    return (72_000 if halved else 144_000) * kilobits // rate + padding
