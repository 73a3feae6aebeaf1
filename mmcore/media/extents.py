"""Whether a file is shorter than its own size fields say: what a copy that broke off leaves."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Final, Literal

from mmcore.errors import MediaError

_HEAD: Final = 12  # bytes that tell the kind
_BOX: Final = 8  # bytes of a box's head
_LONG_BOX: Final = 16  # of one with a long size
_MOST_BOXES: Final = 1000  # at the top of a file
_STREAMED: Final = 0x7FFF_F000  # a writer that could not know the size says 0, or this or more
_ROUNDING: Final = 1  # byte of padding that some writers count and do not write
_EBML: Final = b"\x1a\x45\xdf\xa3"
_SEGMENT: Final = b"\x18\x53\x80\x67"
_CODESTREAM: Final = b"\xff\x4f\xff\x51"
_END_OF_CODESTREAM: Final = b"\xff\xd9"
_OF_A_CUT: Final = frozenset(
    {"decode-error", "no-frames", "no-samples", "no-stream", "unidentified"}
)
_OF_MP4: Final = frozenset({b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide"})


def ends_early(path: str) -> bool:
    """Whether the container's own sizes reach beyond the end of the file.

    Looks at the outermost sizes alone, of MP4 and its kin (HEIC, AVIF, JPEG 2000), RIFF (WAV, AVI,
    WebP), AIFF, Matroska and ICNS; False for any other kind, and where nothing is said. It is to
    tell why a file failed, not whether one will: many that decode have a wrong size in them.
    OSError when the file cannot be read.
    """
    with Path(path).open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        head = file.read(_HEAD)
        if head[4:8] in _OF_MP4 or head[4:8] == b"jP  ":
            return _boxes(file, size)
        told = _TOLD.get(head[:4])
        return told is not None and told(file, size)


def told_short(error: MediaError, path: str) -> MediaError:
    """``error``, or ``truncated`` where it is a decoder's and the file ends early."""
    if error.reason not in _OF_A_CUT or not ends_early(path):
        return error
    return MediaError(
        error.stage, "truncated", f"the file is shorter than it says: {error.message}"
    )


@contextmanager
def telling_cuts(path: str) -> Iterator[None]:
    """Turn what fails on a file that ends early into MediaError ``truncated``."""
    try:
        yield
    except MediaError as error:
        told = told_short(error, path)
        if told is error:
            raise
        raise told from error


def _boxes(file: BinaryIO, size: int) -> bool:
    """A chain of boxes: one reaches beyond the end, or one that must be there is missing."""
    place, names = 0, set()
    for _ in range(_MOST_BOXES):
        file.seek(place)
        head = file.read(_LONG_BOX)
        if len(head) < _BOX:
            break
        length, name = int.from_bytes(head[:4], "big"), head[4:8]
        names.add(name)
        if length == 1:
            length = int.from_bytes(head[_BOX:], "big")
        elif length == 0:  # to the end of the file
            return name == b"jp2c" and _codestream(file, size)
        if length < _BOX or not name.isascii() or not name.decode().isprintable():
            return False
        place += length
        if place > size:
            return name != b"jp2c" or _codestream(file, size)
    # An end within a box's head, or between two boxes of which the second must be there
    needs = {b"jp2c"} if b"jP  " in names else {b"moov", b"moof", b"meta"}
    return place < size < place + _BOX or not names & needs


def _riff(file: BinaryIO, size: int) -> bool:
    return _sized(file, size, "little")


def _form(file: BinaryIO, size: int) -> bool:
    return _sized(file, size, "big")


def _icns(file: BinaryIO, size: int) -> bool:
    """Its size counts its own head."""
    file.seek(4)
    return int.from_bytes(file.read(4), "big") > size


def _sized(file: BinaryIO, size: int, order: Literal["little", "big"]) -> bool:
    file.seek(4)
    told = int.from_bytes(file.read(4), order)
    return 0 < told < _STREAMED and told + _BOX > size + _ROUNDING


def _ebml(file: BinaryIO, size: int) -> bool:
    """The segment of a Matroska reaches beyond the end, or has not begun."""
    file.seek(len(_EBML))
    head = _number(file)
    if head is None:
        return True
    file.seek(head, os.SEEK_CUR)
    name = file.read(len(_SEGMENT))
    if len(name) < len(_SEGMENT):
        return True
    if name != _SEGMENT:
        return False
    length = _number(file)
    return length is None or (length >= 0 and file.tell() + length > size)


def _number(file: BinaryIO) -> int | None:
    """A length of EBML: -1 where it is unknown, None where the file ends within it."""
    first = file.read(1)
    if not first or not first[0]:
        return None if not first else -1
    more = 8 - first[0].bit_length()
    rest = file.read(more)
    if len(rest) < more:
        return None
    bits = 7 * (more + 1)
    value = int.from_bytes(first + rest, "big") & ((1 << bits) - 1)
    return -1 if value == (1 << bits) - 1 else value


def _codestream(file: BinaryIO, size: int) -> bool:
    """A codestream of JPEG 2000 without the mark that ends it."""
    file.seek(max(0, size - len(_END_OF_CODESTREAM)))
    return file.read() != _END_OF_CODESTREAM


_TOLD: Final[Mapping[bytes, Callable[[BinaryIO, int], bool]]] = MappingProxyType(
    {
        b"RIFF": _riff,
        b"FORM": _form,
        b"icns": _icns,
        _EBML: _ebml,
        _CODESTREAM: _codestream,
    }
)
