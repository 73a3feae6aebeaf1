"""Where the samples of a WAV, W64 or CAF stand, and how many bytes of them its header counts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal

_MOST_CHUNKS: Final = 1000  # before the data
_W64: Final = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\0\0"
_W64_DATA: Final = b"data\xf3\xac\xd3\x11\x8c\xd1\0\xc0\x4f\x8e\xdb\x8a"
_RF64_SIZE: Final = 28  # where the 64 bits of the data's size stand, in the chunk that comes first
_EDITS: Final = 4  # bytes of a count before the samples of a CAF
_ELSEWHERE: Final = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the chunks of a format are written, in bytes."""

    first: int  # where the first one begins
    name: int
    size: int
    step: int  # each begins at a multiple of it
    order: Literal["little", "big"] = "little"
    data: bytes = b"data"
    counts_head: bool = False  # in its size


_RIFF: Final = _Layout(12, 4, 4, 2)
_SONY: Final = _Layout(40, 16, 8, 8, data=_W64_DATA, counts_head=True)
_CORE: Final = _Layout(8, 4, 8, 1, "big")


def declared_bytes(path: str) -> int:
    """Bytes of samples by the header; what a writer says who cannot know is answered as it is.

    0 for other formats and where no chunk of samples is. OSError when the file cannot be read.
    """
    with Path(path).open("rb") as file:
        head = file.read(_RF64_SIZE + 8)
        if head[:4] in {b"RIFF", b"RF64", b"BW64"} and head[8:12] == b"WAVE":
            _, length = riff_data(file) or (0, 0)
            if length == _ELSEWHERE and head[12:16] == b"ds64":
                length = int.from_bytes(head[_RF64_SIZE:], "little")
            return length
        if head.startswith(_W64):
            return (_data(file, _SONY) or (0, 0))[1]
        if head.startswith(b"caff"):
            return max(0, (_data(file, _CORE) or (0, 0))[1] - _EDITS)
    return 0


def riff_data(file: BinaryIO) -> tuple[int, int] | None:
    """Where the samples of a WAV begin, and how many bytes its header counts of them."""
    return _data(file, _RIFF)


def _data(file: BinaryIO, layout: _Layout) -> tuple[int, int] | None:
    place, wide = layout.first, layout.name + layout.size
    for _ in range(_MOST_CHUNKS):
        file.seek(place)
        chunk = file.read(wide)
        if len(chunk) < wide:
            return None
        length = int.from_bytes(chunk[layout.name :], layout.order)
        if layout.counts_head:
            length = max(0, length - wide)
        place += wide
        if chunk.startswith(layout.data):
            return place, length
        place += length + -length % layout.step
        if place >> 63:  # further than any file goes
            return None
    return None
