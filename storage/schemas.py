"""The words every layer shares: modalities, ids, Arrow schemas, the root of our errors.

This module imports nothing of ours, and any layer may import it. All ids of a lake are made here.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

import pyarrow as pa

SCHEMA_VERSION: Final = 5
"""Raised when a table or the manifest changes its fields or their meaning (migrations.py)."""


class MmindexError(Exception):
    """The root of mmindex's own errors: the message is one line that says what to do."""

    exit_code = 1

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle facts as they are, so that an error crosses from a worker process whole."""
        return _restored, (type(self), self.args, self.__dict__)


class MissingExtraError(MmindexError, ImportError):
    """A feature needs a package that is not installed."""

    exit_code = 2

    def __init__(self, feature: str, extra: str) -> None:
        self.feature, self.extra = feature, extra
        super().__init__(f"{feature} needs an extra: pip install 'mmindex[{extra}]'")


def _restored(
    kind: type[MmindexError], args: tuple[Any, ...], facts: dict[str, Any]
) -> MmindexError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(facts)
    return error


class Modality(StrEnum):
    """What kind of medium a file or a segment is."""

    IMAGE = "image"
    TEXT = "text"
    AUDIO = "audio"
    VIDEO = "video"


MODALITIES: Final = tuple(Modality)

SINCE: Final[Mapping[str, int]] = MappingProxyType({"box": 3, "kind": 3, "thumbnail": 3})
"""Columns that came later, and the version that brought them: older parts have nulls there."""

_DERIVED: Final = ("subtitle:", "ocr@", "asr@")


def is_caption(source: str) -> bool:
    """Whether a text with this ``source`` is somebody's text about an item.

    The others are read or heard in a picture, a sound or a video: they are found and fused as any
    text, but nothing is fitted on them, and no measured query is made of them.
    """
    return not source.startswith(_DERIVED)


FUSED: Final = "fused"
"""Names the items' one vector, where a modality's name stands for its segments' vectors."""


def digest(value: Any, *, length: int = 16) -> str:
    """Hash JSON-like ``value`` to ``length`` hex digits; key order does not matter."""
    canonical = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:length]


_RECORD: Final = re.compile(r"config(-[0-9a-f]{16})?\.json")


def record_name(record: bytes) -> str:
    """How a model's folder calls this record: by its content, since no file is ever changed."""
    return f"config-{hashlib.sha256(record).hexdigest()[:16]}.json"


def is_record(name: str) -> bool:
    """Whether a file of a model's folder is a record; older models call theirs ``config.json``."""
    return _RECORD.fullmatch(name) is not None


def content_hash() -> hashlib.blake2b:
    """Return a fresh hash for bytes that come in blocks; its hexdigest is their content id."""
    return hashlib.blake2b(digest_size=16)


def content_id(data: bytes) -> str:
    """Name bytes by their hash: BLAKE2b, 128 bits, as 32 hex digits."""
    hasher = content_hash()
    hasher.update(data)
    return hasher.hexdigest()


def stable_id(*parts: str) -> int:
    """Hash ``parts`` to a 63-bit id (never negative), the same on every machine, in every run."""
    raws = [part.encode("utf-8", "surrogateescape") for part in parts]
    joined = b"".join([len(raw).to_bytes(4, "big") + raw for raw in raws])
    return int.from_bytes(hashlib.blake2b(joined, digest_size=8).digest(), "big") >> 1


def item_id(root: str, key: str) -> int:
    """Id of the item ``key`` (its grouping key) below the root alias ``root``."""
    return stable_id("item", root, key)


def segment_id(
    content: str,
    source: str,
    segmentation: str,
    span: tuple[float, float, str] | None,
    box: tuple[float, float, float, float] | None = None,
) -> int:
    """Id of a segment: what it is cut from and where, never who has it or where the file lies."""
    where = "" if span is None else f"{span[0]!r}:{span[1]!r}:{span[2]}"
    if box is not None:
        where += ":" + ",".join(repr(float(number)) for number in box)
    return stable_id("segment", content, source, segmentation, where)


def required(name: str, kind: pa.DataType) -> pa.Field:
    """A column without nulls."""
    return pa.field(name, kind, nullable=False)


BOX: Final = pa.list_(pa.field("element", pa.float64()), 4)
"""Left, top, right and bottom: float64, since the id of a segment is a hash of them."""

FILES: Final = pa.schema(
    [
        required("root", pa.string()),
        required("path", pa.string()),
        pa.field("path_bytes", pa.binary()),  # where a name is not UTF-8
        required("content_id", pa.string()),
        required("modality", pa.string()),
        required("media_type", pa.string()),
        pa.field("language", pa.string()),  # what the name or the manifest says
        required("size", pa.int64()),
        required("mtime_ns", pa.int64()),
    ]
)

ITEMS: Final = pa.schema(  # the user's columns follow
    [
        required("item_id", pa.int64()),
        required("root", pa.string()),
        required("key", pa.string()),
        pa.field("labels", pa.list_(pa.string())),
        pa.field("split", pa.string()),
        *(required(f"has_{modality}", pa.bool_()) for modality in MODALITIES),
    ]
)

ITEM_FILES: Final = pa.schema(
    [
        required("item_id", pa.int64()),
        required("root", pa.string()),
        required("path", pa.string()),
        required("content_id", pa.string()),
        required("role", pa.string()),  # the file's modality
    ]
)

_DESCRIPTION: Final = [  # what is known of a segment without knowing who has it
    required("content_id", pa.string()),
    required("source", pa.string()),
    required("segmentation", pa.string()),
    pa.field("language", pa.string()),
    pa.field("start", pa.float64()),
    pa.field("end", pa.float64()),
    pa.field("unit", pa.string()),
    pa.field("box", BOX),  # shares of the upright picture, or page
    pa.field("kind", pa.string()),  # what it was found to be: page, region, voice, silence …
    pa.field("text", pa.string()),
]

DESCRIPTIONS: Final = pa.schema([required("segment_id", pa.int64()), *_DESCRIPTION])

SEGMENTS: Final = pa.schema(  # one row for each item that a segment serves
    [required("segment_id", pa.int64()), required("item_id", pa.int64()), *_DESCRIPTION]
)

QUARANTINE: Final = pa.schema(
    [
        required("root", pa.string()),
        required("path", pa.string()),
        pa.field("content_id", pa.string()),
        pa.field("source", pa.string()),
        pa.field("start", pa.float64()),
        pa.field("end", pa.float64()),
        pa.field("unit", pa.string()),
        pa.field("box", BOX),
        required("stage", pa.string()),
        required("reason", pa.string()),
        pa.field("message", pa.string()),
        required("decoder", pa.string()),
        required("first_seen", pa.timestamp("us", tz="UTC")),
        required("last_seen", pa.timestamp("us", tz="UTC")),
    ]
)

QUARANTINE_KEY: Final = tuple(n for n in QUARANTINE.names if n not in {"first_seen", "last_seen"})
"""The columns that tell its rows apart, all but the times; it is sorted by them as texts."""


CAPTIONS: Final = pa.schema(  # of a private lake, which keeps no texts
    [
        required("content_id", pa.string()),
        required("key", pa.string()),  # keyed hash of what equal captions share; "": of nothing
    ]
)

QUERIES: Final = pa.schema(  # what is asked for ever: nothing in it grows with the lake
    [
        required("direction", pa.string()),  # as ``text:zh→image``
        required("content_id", pa.string()),  # of the query
    ]
)

WORDS: Final = pa.schema(  # what texts are found by, beside vectors; a private lake has none
    [
        required("segment_id", pa.int64()),
        required("words", pa.list_(pa.string())),  # one for each time that it stands there
    ]
)

Dtype = Literal["float32", "float16"]
"""What the numbers of a stored vector are; readers get float32 of either."""

DTYPES: Final[tuple[Dtype, ...]] = get_args(Dtype)


def dtype_of(kind: pa.DataType) -> Dtype:
    """The dtype of an Arrow type that ``vector_type`` made."""
    return "float16" if pa.types.is_float16(kind.value_type) else "float32"


LENGTH_TOLERANCE: Final = {"float32": 1e-3, "float16": 1.5e-3}
"""How far from 1 the length of a stored vector may be.

Rounding to float16 changes a number by at most 2^-11 of itself (4.9e-4), and one below 6e-5 by at
most 2^-25, so a length by less than 5e-4 more.
"""


def vector_type(dim: int, dtype: Dtype = "float32") -> pa.DataType:
    """Arrow type of a unit vector of ``dim`` numbers."""
    kind = pa.float16() if dtype == "float16" else pa.float32()
    return pa.list_(pa.field("element", kind, nullable=False), dim)


def is_vector(kind: pa.DataType) -> bool:
    """Whether an Arrow type is one that ``vector_type`` makes; that of a box is none."""
    return bool(pa.types.is_fixed_size_list(kind) and kind.value_type != pa.float64())


def embeddings_schema(dim: int, dtype: Dtype = "float32") -> pa.Schema:
    """Cells of one encoder, each with the description of its segment (docs/decisions/0003).

    Of what is seen also a small JPEG (docs/decisions/0016).
    """
    thumbnail = pa.field("thumbnail", pa.binary())
    return pa.schema([*DESCRIPTIONS, thumbnail, required("vector", vector_type(dim, dtype))])


def projected_schema(dim: int, dtype: Dtype = "float32") -> pa.Schema:
    """Vectors of a shared space, derived from cells."""
    vector = required("vector", vector_type(dim, dtype))
    return pa.schema([required("segment_id", pa.int64()), vector])


def fused_schema(dim: int, dtype: Dtype = "float32") -> pa.Schema:
    """One vector an item, with what went into it."""
    return pa.schema(
        [
            required("item_id", pa.int64()),
            required("inputs", pa.int64()),
            required("vector", vector_type(dim, dtype)),
            *(required(f"has_{modality}", pa.bool_()) for modality in MODALITIES),
            *(pa.field(f"weight_{modality}", pa.float32()) for modality in MODALITIES),
        ]
    )
