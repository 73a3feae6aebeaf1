"""Query sets of a user's, below ``queries/sets/``: immutable, and in no manifest.

The card of a set is written last and removed first: what has none is not there. An erasure alone
writes a set anew (``storage.erasure.querysets``).
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, NonNegativeInt, ValidationError

from storage.errors import CorruptLakeError, QuerySetError
from storage.json_files import read_object
from storage.layout import Layout
from storage.places.atomic import write_bytes
from storage.places.place import folders, is_local, listing, read_now, remove
from storage.schemas import content_id, digest, required
from storage.tables import read_parts, write_part

CARD: Final = "set.json"
QUERIES: Final = "queries.parquet"
QRELS: Final = "qrels.parquet"
MEDIA: Final = "media"
LONGEST_NAME: Final = 64

ASKED: Final = pa.schema(
    [
        required("query_id", pa.string()),
        required("modality", pa.string()),
        pa.field("language", pa.string()),
        pa.field("text", pa.string()),
        pa.field("media", pa.string()),  # content id; the bytes are media/<content id>
    ]
)
JUDGED: Final = pa.schema(
    [
        required("query_id", pa.string()),
        required("item_id", pa.int64()),  # in a set of pairs: the number of the pair
        required("grade", pa.int32()),  # 0: not relevant
    ]
)

_NAME: Final = re.compile(r"[^\W_][\w.-]*")
_TAKEN: Final = "held-out"  # the lake's own set


class QuerySetCard(BaseModel):
    """``set.json``, which is written last."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: Literal["qrels", "pairs"]
    fingerprint: str  # of the imported rows
    queries: NonNegativeInt
    judged: NonNegativeInt
    when: datetime


@dataclass(frozen=True, slots=True, eq=False)
class QuerySet:
    """A set with its rows, ``ASKED`` and ``JUDGED``."""

    card: QuerySetCard
    queries: pa.Table
    qrels: pa.Table


def check_name(name: str) -> str:
    """``name`` if a set can have it, else QuerySetError."""
    if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME or name == _TAKEN:
        raise QuerySetError(
            name,
            f"cannot be called so: a name has at most {LONGEST_NAME} letters, digits, . - and _,"
            f" begins with a letter or digit, and is not {_TAKEN}",
        )
    return name


def check_absent(layout: Layout, name: str) -> None:
    """Raise QuerySetError where a set cannot be called ``name``, or one is."""
    if (layout.query_set(check_name(name)) / CARD).exists():
        raise QuerySetError(name, "is there already: remove it first, or take another name")


def fingerprint(queries: pa.Table, qrels: pa.Table) -> str:
    """Names the rows of a set, whatever they are sorted by."""
    rows = [sorted(map(repr, table.to_pylist())) for table in (queries, qrels)]
    return digest(rows)


def write_set(
    layout: Layout,
    card: QuerySetCard,
    queries: pa.Table,
    qrels: pa.Table,
    media: Mapping[str, bytes],
) -> None:
    """Write a new set; QuerySetError where one of that name is there.

    What a killed writer left of one that never was whole is removed first. Hold the writer's lock.
    """
    check_absent(layout, card.name)
    folder = layout.query_set(card.name)
    _empty(folder)
    for content, data in media.items():
        write_bytes(folder / MEDIA / content, data)
    write_part(folder / QUERIES, queries.cast(ASKED))
    write_part(folder / QRELS, qrels.cast(JUDGED))
    write_card(layout, card)


def write_card(layout: Layout, card: QuerySetCard) -> None:
    """Write ``set.json``: what makes a set be there."""
    path = layout.query_set(card.name) / CARD
    write_bytes(path, card.model_dump_json(indent=2).encode())


def read_sets(layout: Layout) -> list[QuerySetCard]:
    """All whole sets, by name; CorruptLakeError for a card that cannot be read."""
    names = sorted(folder.name for folder in folders(layout.query_sets))
    return [card for name in names if (card := _card(layout, name)) is not None]


def read_set(layout: Layout, name: str) -> QuerySet:
    """One set with its rows; QuerySetError where there is none.

    Raises CorruptLakeError where its rows are not those that were imported.
    """
    found = read_unchecked(layout, name)
    if found is None:
        raise QuerySetError(name, "is not there: `mmindex queries list` names those that are")
    if fingerprint(found.queries, found.qrels) != found.card.fingerprint:
        raise CorruptLakeError(layout.query_set(name), "is not what was imported")
    return found


def read_unchecked(layout: Layout, name: str) -> QuerySet | None:
    """A set as it is, though an erasure may be half through it; None where it has no card."""
    card, folder = _card(layout, name), layout.query_set(name)
    if card is None:
        return None
    try:
        queries = read_parts([folder / QUERIES], ASKED.names).cast(ASKED)
        qrels = read_parts([folder / QRELS], JUDGED.names).cast(JUDGED)
    except (pa.ArrowException, ValueError) as error:
        raise CorruptLakeError(folder, f"has other columns ({error})") from error
    return QuerySet(card, queries, qrels)


def media_of(layout: Layout, name: str, content: str) -> bytes:
    """The bytes of a picture or sound that a set asks with."""
    path = layout.query_set(name) / MEDIA / content
    try:
        data = read_now(path)
    except FileNotFoundError as error:
        raise CorruptLakeError(path, "is missing") from error
    if content_id(data) != content:
        raise CorruptLakeError(path, "is not what was imported")
    return data


def rewrite_set(layout: Layout, of: QuerySet) -> None:
    """Write a set anew, with fewer queries than it has: an erasure alone may. Hold the lock.

    Until its card is written, last, the set is not what its card says.
    """
    folder = layout.query_set(of.card.name)
    wanted = set(of.queries["media"].drop_null().to_pylist())
    remove(folder / MEDIA / name for name in listing(folder / MEDIA) if name not in wanted)
    for name, rows, schema in ((QUERIES, of.queries, ASKED), (QRELS, of.qrels, JUDGED)):
        if not is_local(folder):
            remove([folder / name])  # a store keeps a part that is there
        write_part(folder / name, rows.cast(schema))
    write_card(layout, of.card)


def remove_set(layout: Layout, name: str) -> None:
    """Remove a set, its card first; QuerySetError where nothing is there. Hold the lock."""
    folder = layout.query_set(check_name(name))
    if not (listing(folder) or (is_local(folder) and folder.is_dir())):
        raise QuerySetError(name, "is not there: `mmindex queries list` names those that are")
    drop_set(layout, name)


def drop_set(layout: Layout, name: str) -> None:
    """Remove whatever there is of a set, its card first."""
    card = layout.query_set(name) / CARD
    if not (is_local(card) and card.is_dir() and not card.is_symlink()):
        remove([card])
    _empty(layout.query_set(name))


def _card(layout: Layout, name: str) -> QuerySetCard | None:
    path = layout.query_set(name) / CARD
    told = read_object(path)
    if told is None:
        return None
    try:
        card = QuerySetCard.model_validate(told)
    except ValidationError as error:
        raise CorruptLakeError(path, _first(error)) from error
    if card.name != name:
        raise CorruptLakeError(path, f"is the card of {card.name!r}")
    return card


def _first(error: ValidationError) -> str:
    told: Any = error.errors()[0]
    return f"{'.'.join(map(str, told['loc']))}: {told['msg']}"


def _empty(folder: Path) -> None:
    """Remove all files and links of a set, and its folders where there are such."""
    if not is_local(folder):
        remove(folder / name for name in listing(folder))
        return
    for where, below, names in os.walk(folder, topdown=False):
        remove(Path(where, name) for name in names)
        for name in below:
            _drop(Path(where, name))
    if folder.is_symlink() or folder.is_dir():
        _drop(folder)


def _drop(folder: Path) -> None:
    """An empty folder, or a link to one."""
    if folder.is_symlink():
        remove([folder])
    else:
        folder.rmdir()
