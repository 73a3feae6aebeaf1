"""PNG that moves, and TIFF that is a raw photograph."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from mmcore.media.sniffing.kinds import Kind
from storage.schemas import Modality

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_TIFF: Final = {b"II*\0": "<", b"MM\0*": ">"}
_BIG_TIFF: Final = (b"II+\0", b"MM\0+")
_CR2: Final = b"CR\x02"
# Tags of the first directory: a thumbnail, then the picture in a directory below it; or the
# picture as the sensor saw it.
_SUBFILE, _PHOTOMETRIC, _SUB_IFDS, _DNG = 254, 262, 330, 50706
_REDUCED: Final = 1
_SENSOR: Final = frozenset({32803, 34892})


def png(head: bytes) -> Kind | None:
    """A PNG; one whose ``acTL`` comes before its pixels is an APNG."""
    if not head.startswith(_PNG):
        return None
    position = len(_PNG)
    while position + 8 <= len(head):
        length, name = struct.unpack_from(">I4s", head, position)
        if name == b"acTL":
            return Modality.IMAGE, "image/apng"
        if name == b"IDAT":
            break
        position += 12 + length
    return Modality.IMAGE, "image/png"


def is_tiff(head: bytes) -> bool:
    """Whether the file says that it is a TIFF, raw photographs included."""
    return head[:4] in _TIFF or head[:4] in _BIG_TIFF


def tiff(head: bytes) -> Kind | None:
    """A TIFF whose first directory is a picture for people.

    None for CR2, DNG, NEF and their like: what a TIFF reader finds in them is a thumbnail, or
    what the sensor saw. One whose directory lies beyond the head is taken for a TIFF.
    """
    order = _TIFF.get(head[:4])
    if order is not None and (head[8:11] == _CR2 or _is_raw(dict(_directory(head, order)))):
        return None
    return Modality.IMAGE, "image/tiff"


def _is_raw(tags: dict[int, int]) -> bool:
    thumbnail = tags.get(_SUBFILE) == _REDUCED and _SUB_IFDS in tags
    return thumbnail or _DNG in tags or tags.get(_PHOTOMETRIC) in _SENSOR


def _directory(head: bytes, order: str) -> Iterator[tuple[int, int]]:
    """Tags of the first directory with their first short, or what stands in its place."""
    if len(head) < 8:  # noqa: PLR2004 - mark and offset
        return
    (start,) = struct.unpack_from(f"{order}I", head, 4)
    if start + 2 > len(head):
        return
    (count,) = struct.unpack_from(f"{order}H", head, start)
    for entry in range(start + 2, min(start + 2 + 12 * count, len(head) - 11), 12):
        tag, kind = struct.unpack_from(f"{order}HH", head, entry)
        is_short = kind == 3  # noqa: PLR2004 - SHORT; else LONG or an offset
        (value,) = struct.unpack_from(order + ("H" if is_short else "I"), head, entry + 8)
        yield tag, value
