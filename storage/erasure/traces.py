"""What an erasure must leave nothing of: ids, names, texts, thumbnails, vectors of the erased."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

_VECTOR_BYTES: Final = 64  # of a vector that are looked for
_FEWEST_BYTES: Final = 16  # a shorter rest of a vector is found by chance
_FEWEST_VALUES: Final = 4  # different bytes, or it is found by chance
_PICTURE_BYTES: Final = 64  # of a thumbnail that are looked for
_PICTURE_STEP: Final = 16
_SCAN: Final = b"\xff\xda"  # begins the coded picture in a JPEG; all before it is much alike
_WORD_BYTES: Final = 120  # of a text that are looked for
_LEAST: Final = {"path": 6, "key": 12, "text": 16}  # bytes; a shorter one stands anywhere


_SETS: Final = ("contents", "items", "segments", "paths", "keys", "captions")
_RAW: Final = ("vectors", "thumbnails")


@dataclass(frozen=True, slots=True)
class Traces:
    """What is known of the erased: ids for ever, the rest as long as rows of it are there."""

    contents: frozenset[str] = frozenset()
    items: frozenset[int] = frozenset()
    segments: frozenset[int] = frozenset()
    paths: frozenset[str] = frozenset()  # of files that no item has any more
    keys: frozenset[str] = frozenset()  # of items
    texts: dict[str, str] = field(default_factory=dict)  # content (/segment, if derived) → text
    captions: frozenset[str] = frozenset()  # hashed caption keys, of a private lake
    vectors: frozenset[bytes] = frozenset()  # as they are stored, or as an index has them
    thumbnails: frozenset[bytes] = frozenset()  # what they are known by

    def __or__(self, other: Traces) -> Traces:
        return Traces(
            self.contents | other.contents,
            self.items | other.items,
            self.segments | other.segments,
            self.paths | other.paths,
            self.keys | other.keys,
            self.texts | other.texts,
            self.captions | other.captions,
            self.vectors | other.vectors,
            self.thumbnails | other.thumbnails,
        )

    def to_json(self) -> dict[str, Any]:
        """What ``from_json`` takes."""
        told: dict[str, Any] = {name: sorted(getattr(self, name)) for name in _SETS}
        raw = {name: sorted(one.hex() for one in getattr(self, name)) for name in _RAW}
        return told | raw | {"texts": self.texts}

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Traces:
        """What ``to_json`` gave, also that of an older version, which knew no thumbnails."""
        found: dict[str, Any] = {name: frozenset(told[name]) for name in _SETS}
        found |= {name: frozenset(map(bytes.fromhex, told.get(name, ()))) for name in _RAW}
        return cls(**found, texts=told["texts"])

    def patterns(self) -> dict[bytes, str]:
        """Bytes to look for → what they are of."""
        found: dict[bytes, str] = {}
        for kind, ids in (("item id", self.items), ("segment id", self.segments)):
            for one in ids:
                found[one.to_bytes(8, "little")] = found[str(one).encode()] = kind
        for content in self.contents:
            found[content.encode()] = found[bytes.fromhex(content)] = "content id"
        found |= dict.fromkeys(self.vectors, "vector")
        return found | dict.fromkeys(self.thumbnails, "thumbnail")

    def words(self) -> dict[bytes, str]:
        """The same for names and texts, which something else may have in common with them."""
        found: dict[bytes, str] = {}
        for kind, words in (
            ("path", self.paths),
            ("key", self.keys),
            ("text", self.texts.values()),
        ):
            for form in {form for word in words for form in _written(word)}:
                if len(form) >= _LEAST[kind]:
                    found[form] = kind
        return found


def _written(word: str) -> Iterator[bytes]:
    """How a word may stand in a file; of a long one its beginning."""
    line = " ".join(word.split())
    for text in (word, line):
        head = text.encode("utf-8", "surrogateescape")[:_WORD_BYTES]
        plain = head.decode("utf-8", "ignore")
        yield head
        yield plain.encode()
        yield json.dumps(plain)[1:-1].encode()
        yield json.dumps(plain, ensure_ascii=False)[1:-1].encode()
        yield html.escape(plain).encode()
        yield plain.replace("&", "&amp;").replace("<", "&lt;").replace("'", "&#39;").encode()


def distinctive(raw: bytes) -> bytes | None:
    """The bytes by which a stored vector is known; None where such bytes stand anywhere."""
    start = next((place for place, byte in enumerate(raw) if byte), len(raw)) // 4 * 4
    found = raw[start : start + _VECTOR_BYTES]
    enough = len(found) >= _FEWEST_BYTES and _values(found) >= _FEWEST_VALUES
    return found if enough else None


def known_by(thumbnail: bytes) -> bytes | None:
    """The bytes by which a thumbnail is known: of its coded picture those that differ the most.

    None where such bytes stand anywhere.
    """
    scan = thumbnail[max(0, thumbnail.find(_SCAN)) :]
    last = max(0, len(scan) - _PICTURE_BYTES)
    starts = (*range(0, last, _PICTURE_STEP), last)
    found = max((scan[at : at + _PICTURE_BYTES] for at in starts), key=_values)
    return found if len(found) >= _FEWEST_BYTES and _values(found) >= _FEWEST_VALUES else None


def _values(raw: bytes) -> int:
    return len(set(raw))
