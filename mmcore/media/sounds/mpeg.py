"""The length that an MP3 file says of itself, in a header in its first frame."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Final

_HEAD: Final = 4096
_ID3_HEADER: Final = 10
_HAS_FRAMES: Final = 1
_SAMPLES: Final = {True: 1152, False: 576}  # of a frame, by whether the rate is one of MPEG 1
_MPEG_1: Final = 32_000


def told_seconds(path: str, rate: int) -> float:
    """Seconds by the Xing, Info or VBRI header of an MP3 at ``rate``; 0 where there is none."""
    with Path(path).open("rb") as file:
        head = file.read(_ID3_HEADER)
        if head.startswith(b"ID3") and len(head) == _ID3_HEADER:
            size = 0
            for byte in head[6:]:
                size = size << 7 | byte & 0x7F
            file.seek(_ID3_HEADER + size)
            head = b""
        head += file.read(_HEAD)
    return _frames(head) * _SAMPLES[rate >= _MPEG_1] / rate if rate else 0.0


def _frames(head: bytes) -> int:
    for mark in (b"Xing", b"Info"):
        place = head.find(mark)
        if 0 <= place <= len(head) - 12:
            flags, frames = struct.unpack_from(">II", head, place + 4)
            return frames if flags & _HAS_FRAMES else 0
    place = head.find(b"VBRI")
    if 0 <= place <= len(head) - 18:
        return int(struct.unpack_from(">I", head, place + 14)[0])
    return 0
