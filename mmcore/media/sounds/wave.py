"""A WAV file whose header says less than is there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO, Final

from mmcore.media.sounds.chunks import riff_data

_HEAD: Final = 8  # bytes of a chunk's head
_FORM: Final = 12
_PADDING: Final = 1 << 16  # bytes: zeros up to a round size are no silence
_TAGS: Final = (b"ID3", b"TAG", b"APETAGEX", b"LYRICSBEGIN")


def is_understated(path: str) -> bool:
    """Whether more samples follow the data of a WAV than its header counts.

    So it does where the bytes behind the data are neither another chunk nor a tag nor mere
    padding. False for what is no WAV. OSError when the file cannot be read.
    """
    with Path(path).open("rb") as file:
        head = file.read(_FORM)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return False
        size = os.fstat(file.fileno()).st_size
        place, length = riff_data(file) or (0, 0)
        end = place + length  # a length of 0 is what FFmpeg reads on at by itself
        return length > 0 and end < size and not _is_known(file, end, size)


def _is_known(file: BinaryIO, end: int, size: int) -> bool:
    """Whether what lies behind ``end`` is no sound; a writer may have left out the padding."""
    file.seek(end)
    rest = file.read(_PADDING + 1)
    if len(rest) <= _PADDING and not any(rest):
        return True
    places = (0, 1) if end % 2 else (0,)
    return any(_is_chunk(rest[at : at + _FORM], size - end - at) for at in places)


def _is_chunk(head: bytes, left: int) -> bool:
    if head.startswith(_TAGS):
        return True
    name, length = head[:4], int.from_bytes(head[4:_HEAD], "little")
    return name.isascii() and name.decode().isprintable() and length + _HEAD <= left
