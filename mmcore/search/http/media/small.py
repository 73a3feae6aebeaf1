"""Small pictures, read for several requests at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.errors import SnapshotReissuedError
from storage.schemas import MmindexError
from storage.thumbnails import Thumbnails

if TYPE_CHECKING:
    from mmcore.search.http.served import Served


@dataclass(frozen=True, slots=True)
class Picture:
    """A small picture that is wanted: of a segment, or of an item and the ``n``th of its files."""

    segment: int | None = None
    item: int | None = None
    n: int | None = None


def pictures(wanted: Sequence[Picture], served: Served) -> list[bytes | Exception]:
    """Each as JPEG, b"" where there is none, or its error; what was found is kept.

    SnapshotReissuedError where an erasure took the snapshot away.
    """
    of = [_segments(one, served) for one in wanted]
    try:
        found = served.thumbnails().pictures(segment for some in of for segment in some)
        told: list[bytes | Exception] = [_first(some, found) for some in of]
    except SnapshotReissuedError:
        raise
    except MmindexError:  # a part that cannot be read is the matter of those in it alone
        told = [_alone(some, served.thumbnails()) for some in of]
    for one, picture in zip(wanted, told, strict=True):
        if isinstance(picture, bytes):
            served.pictures.keep({one: picture})
    return told


def _segments(wanted: Picture, served: Served) -> Sequence[int]:
    """The segments of which the first that has a thumbnail counts."""
    if wanted.item is not None:
        return served.shelf.pictures(wanted.item, wanted.n)
    return [] if wanted.segment is None else [wanted.segment]


def _alone(segments: Sequence[int], of: Thumbnails) -> bytes | Exception:
    try:
        return _first(segments, of.pictures(segments))
    except MmindexError as error:
        return error


def _first(segments: Iterable[int], found: dict[int, bytes]) -> bytes:
    return next((found[one] for one in segments if one in found), b"")
