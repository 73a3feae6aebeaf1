"""The record of a part of cells: what its shard came to, as JSON in the footer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import Any, Final

from storage.errors import CorruptLakeError
from storage.places.place import listing
from storage.places.stores import Listed
from storage.tables import part_metadata

RECORD: Final = "mmindex.record"
"""The footer's key of a part's record."""


@dataclass(frozen=True, slots=True)
class PartRecord:
    """What a part's shard came to; stands in its footer.

    With a ``reader`` (``ocr@…``, ``asr@…``) it is what that one read in the contents: of their
    own cells it says nothing.
    ``done`` names the contents, with or without cells. A rejection has the keys root, path,
    content_id, source, start, end, unit, box (not in older parts), stage, reason, message and
    decoder.
    """

    done: tuple[str, ...]
    rejections: tuple[Mapping[str, Any], ...] = ()
    compute: Mapping[str, str] = field(default_factory=dict)  # dtype and device used
    reader: str = ""
    truncated: Mapping[str, int] = field(default_factory=dict)  # content → segments that were cut

    def rejected(self) -> dict[str, set[str]]:
        """Content → the decoders that refused it."""
        found: dict[str, set[str]] = {}
        for rejection in self.rejections:
            found.setdefault(str(rejection["content_id"]), set()).add(str(rejection["decoder"]))
        return found

    def contents(self) -> set[str]:
        """All contents that it says anything of."""
        return {*self.done, *self.rejected()}

    def clean(self) -> set[str]:
        """The contents that are done and of which nothing was refused."""
        return set(self.done) - self.rejected().keys()

    def only(self, contents: Set[str]) -> PartRecord:
        """What it says of ``contents``."""
        return self._of(lambda content: content in contents)

    def without(self, contents: Set[str]) -> PartRecord:
        """What it says of all others than ``contents``."""
        return self._of(lambda content: content not in contents)

    def _of(self, wanted: Callable[[str], bool]) -> PartRecord:
        return PartRecord(
            tuple(content for content in self.done if wanted(content)),
            tuple(r for r in self.rejections if wanted(str(r["content_id"]))),
            self.compute,
            self.reader,
            {content: count for content, count in self.truncated.items() if wanted(content)},
        )


def record_text(record: PartRecord) -> str:
    """A record as a footer holds it: JSON in ASCII, since paths may hold surrogates."""
    told = {
        "done": record.done,
        "rejections": [dict(rejection) for rejection in record.rejections],
        "compute": dict(record.compute),
        **({"reader": record.reader} if record.reader else {}),
        **({"truncated": dict(record.truncated)} if record.truncated else {}),
    }
    return json.dumps(told, sort_keys=True)


def read_record(path: Path) -> PartRecord:
    """The record of a part; reads its footer only."""
    return _record(path, _stored(path))


def records_in(folder: Path) -> dict[Path, PartRecord]:
    """The records of all parts in ``folder``, published or not, in the order of their names.

    Footers that this process has read are not read again; of their text 64 MB are kept.
    """
    found = {folder / name: like for name, like in listing(folder).items() if _is_part(name)}
    return {path: _record(path, _FOOTERS.text_of(path, found[path])) for path in sorted(found)}


def _is_part(name: str) -> bool:
    return PurePosixPath(name).match("part-*.parquet") and "/" not in name


def _stored(path: Path) -> str:
    return part_metadata(path).get(RECORD, "")


def _record(path: Path, text: str) -> PartRecord:
    try:
        stored = json.loads(text)
        return PartRecord(
            tuple(stored["done"]),
            tuple(stored["rejections"]),
            stored["compute"],
            stored.get("reader", ""),
            stored.get("truncated", {}),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptLakeError(path, f"has no record of what is done ({error})") from error


class Footers:
    """The texts of records that were read, by path, size and time; the oldest go first.

    ``most`` characters of them are kept, and ``read`` tells the others.
    """

    def __init__(self, most: int, read: Callable[[Path], str]) -> None:
        self._most, self._read, self._size = most, read, 0
        self._texts: dict[tuple[str, Listed], str] = {}
        self._lock = Lock()

    def text_of(self, path: Path, like: Listed) -> str:
        """The record of a part, which a listing shows ``like`` this."""
        key = (str(path), like)
        if (known := self._texts.get(key)) is not None:
            return known
        text = self._read(path)
        with self._lock:
            self._size += len(text) - len(self._texts.pop(key, ""))
            self._texts[key] = text
            while self._size > self._most:
                self._size -= len(self._texts.pop(next(iter(self._texts))))
        return text


_FOOTERS: Final = Footers(64 << 20, _stored)
