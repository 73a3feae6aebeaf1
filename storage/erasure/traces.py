"""What an erasure must leave nothing of: the ids, names, texts and vectors of what is erased."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

_VECTOR_BYTES: Final = 64  # of a vector that are looked for
_FEWEST_BYTES: Final = 16  # a shorter rest of a vector is found by chance
_FEWEST_VALUES: Final = 4  # different bytes, or it is found by chance
_WORD_BYTES: Final = 120  # of a text that are looked for
_LEAST: Final = {"path": 6, "key": 12, "text": 16}  # bytes; a shorter one stands anywhere


@dataclass(frozen=True, slots=True)
class Traces:
    """What is known of the erased: ids for ever, the rest as long as rows of it are there."""

    contents: frozenset[str] = frozenset()
    items: frozenset[int] = frozenset()
    segments: frozenset[int] = frozenset()
    paths: frozenset[str] = frozenset()  # of files that no item has any more
    keys: frozenset[str] = frozenset()  # of items
    texts: dict[str, str] = field(default_factory=dict)  # content id → all its text
    captions: frozenset[str] = frozenset()  # hashed caption keys, of a private lake
    vectors: frozenset[bytes] = frozenset()  # as they are stored, or as an index has them

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
        )

    def to_json(self) -> dict[str, Any]:
        """What ``from_json`` takes."""
        sets = ("contents", "items", "segments", "paths", "keys", "captions")
        told: dict[str, Any] = {name: sorted(getattr(self, name)) for name in sets}
        return told | {"texts": self.texts, "vectors": sorted(v.hex() for v in self.vectors)}

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Traces:
        """What ``to_json`` gave."""
        vectors = frozenset(map(bytes.fromhex, told["vectors"]))
        texts = told["texts"]
        sets = {n: frozenset(v) for n, v in told.items() if n not in ("texts", "vectors")}
        return cls(**sets, texts=texts, vectors=vectors)

    def patterns(self) -> dict[bytes, str]:
        """Bytes to look for → what they are of."""
        found: dict[bytes, str] = {}
        for kind, ids in (("item id", self.items), ("segment id", self.segments)):
            for one in ids:
                found[one.to_bytes(8, "little")] = found[str(one).encode()] = kind
        for content in self.contents:
            found[content.encode()] = found[bytes.fromhex(content)] = "content id"
        for vector in self.vectors:
            found[vector] = "vector"
        return found

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
    enough = len(found) >= _FEWEST_BYTES and len(set(found)) >= _FEWEST_VALUES
    return found if enough else None
