"""What worst queries look and sound like: small pictures and players, as the page holds them."""

from __future__ import annotations

import base64
import io
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from PIL import Image

from mmcore.evaluation.reporting.sources import Files, Seen, segments_seen
from mmcore.evaluation.scores import Direction, Report, Worst
from storage.schemas import Modality
from storage.snapshot import Snapshot
from storage.thumbnails import thumbnails

_SIDE: Final = 160  # pixels
_SOUND: Final = 200_000  # bytes of a sound that the page holds itself
_ROOM: Final = 3_000_000  # bytes of all that it holds: a page has at most 5 MB


@dataclass(frozen=True, slots=True)
class Held:
    """A picture, a sound or a video: in the page, or beside it on this machine.

    The page names its content, by which an erasure finds it: what base64 holds it cannot search.
    """

    kind: str  # "image", "audio" or "video"
    address: str  # data: or file:
    content: str


@dataclass(frozen=True, slots=True)
class Shown:
    """What there is of a content or an item."""

    picture: Held | None = None
    player: Held | None = None


@dataclass(frozen=True, slots=True)
class Pictures:
    """What can be shown of contents and of items."""

    contents: Mapping[str, Shown] = field(default_factory=dict)
    items: Mapping[int, Shown] = field(default_factory=dict)

    def asked(self, worst: Worst) -> Shown:
        """What was asked with."""
        return next((self.contents[c] for c in worst.contents if c in self.contents), Shown())

    def item(self, item: int | None) -> Shown:
        """What stands for an item."""
        return Shown() if item is None else self.items.get(item, Shown())


NONE: Final = Pictures()


def pictures_of(report: Report, snapshot: Snapshot) -> Pictures:
    """Those of the worst queries of a report; of a private lake none.

    The worst query of each direction comes first, then the second, until the room is full; sounds
    after all pictures.
    """
    if snapshot.manifest.private:
        return NONE
    worst = list(_by_rank(report))
    contents = Counter(c for _, one in worst for c in one.contents)
    items = Counter(i for _, one in worst for i in _items(one))
    heard = Counter(i for d, one in worst if plays(d) for i in _items(one))
    room = _Room(snapshot, contents, items)
    seen = {c: room.picture_of(c, times) for c, times in contents.items()}
    pictures = {i: room.picture(i, times) for i, times in items.items()}
    heard |= {i: times for i, times in items.items() if not pictures[i]}
    players = {i: room.player(i, times) for i, times in heard.items()}
    return Pictures(
        {c: Shown(seen[c], room.player_of(c, times)) for c, times in contents.items()},
        {i: Shown(picture, players.get(i)) for i, picture in pictures.items()},
    )


def plays(direction: Direction) -> bool:
    """Whether sounds or videos are looked for, so that one wants to hear what was found."""
    return direction.name.rpartition("→")[2] in {Modality.AUDIO, Modality.VIDEO}


def _by_rank(report: Report) -> Iterator[tuple[Direction, Worst]]:
    for place in range(max((len(d.worst) for d in report.directions), default=0)):
        for direction in report.directions:
            yield from ((direction, one) for one in direction.worst[place : place + 1])


def _items(worst: Worst) -> list[int]:
    return [item for item in (worst.item, worst.found_item) if item is not None]


class _Room:
    """Looks pictures and sounds up, and takes them in as long as there is room for them."""

    def __init__(
        self, snapshot: Snapshot, contents: Collection[str], items: Collection[int]
    ) -> None:
        self._left = _ROOM
        self._files = Files(snapshot, contents, items)
        self._of_contents, self._of_items = segments_seen(snapshot, contents, items)
        wanted = [*self._of_contents.values(), *self._of_items.values()]
        self._pictures = thumbnails(snapshot, (segment for segment, _ in wanted))

    def picture_of(self, content: str, times: int) -> Held | None:
        """That of a content, which the page shows so many times."""
        return self._picture(self._of_contents.get(content), times)

    def picture(self, item: int, times: int) -> Held | None:
        """That of an item."""
        return self._picture(self._of_items.get(item), times)

    def player_of(self, content: str, times: int) -> Held | None:
        """Of a content that is a sound or a video."""
        return self._player(self._files.of_content(content), times)

    def player(self, item: int, times: int) -> Held | None:
        """Of an item that has a sound or a video."""
        return self._player(self._files.of_item(item), times)

    def _picture(self, seen: Seen | None, times: int) -> Held | None:
        segment, content = seen or (0, "")
        jpeg = self._pictures.get(segment) if seen else None
        address = "" if jpeg is None else self._taken_in("image/jpeg", _small(jpeg), times)
        return Held("image", address, content) if address else None

    def _player(self, file: Mapping[str, Any] | None, times: int) -> Held | None:
        path = None if file is None else self._files.path(file)
        if file is None or path is None or not path.is_file():
            return None
        kind, address = str(file["modality"]), ""
        if kind == Modality.AUDIO and file["size"] <= _SOUND:
            address = self._taken_in(file["media_type"], path.read_bytes(), times)
        return Held(kind, address or path.as_uri(), file["content_id"])

    def _taken_in(self, media_type: str, data: bytes, times: int) -> str:
        """The data as an address of their own; "" where there is no room left."""
        address = f"data:{media_type};base64,{base64.b64encode(data).decode()}"
        if len(address) * times > self._left:
            return ""
        self._left -= len(address) * times
        return address


def _small(jpeg: bytes) -> bytes:
    """At most 160 pixels wide and high."""
    with Image.open(io.BytesIO(jpeg)) as picture:
        if max(picture.size) <= _SIDE:
            return jpeg
        picture.thumbnail((_SIDE, _SIDE))
        small = io.BytesIO()
        picture.save(small, "JPEG", quality=80)
    return small.getvalue()
