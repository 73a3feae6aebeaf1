"""Files, items, segments and rejections as the Arrow tables of a lake; pure."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise, repeat
from operator import attrgetter, contains, itemgetter
from sys import intern
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmcore.errors import ConfigError
from mmcore.paths import printable, storable
from mmcore.types import Item, MediaFile, Rejection, Span
from storage import schemas
from storage.schemas import MODALITIES, Modality

_TROUBLE: Final = ("root", "path", "content_id", "source", "start", "stage", "reason")

_BATCH: Final = 10_000  # rows that are Python's at once, beside what is made of them
_MODALITIES: Final = {str(modality): modality for modality in MODALITIES}  # an enum asks slowly


def _named(path: str) -> tuple[str, bytes | None]:
    """``path`` as tables have it, and its raw bytes where that is not the name itself."""
    text = printable(path)
    return text, None if text == path else os.fsencode(path)


def files_table(files: Iterable[MediaFile]) -> pa.Table:
    """``schemas.FILES``, sorted by root and path; each (root, path) once."""
    place = attrgetter("root", "path")
    ordered = sorted({place(file): file for file in files}.values(), key=place)
    paths = [file.path for file in ordered]
    plain = all(map(str.isascii, paths)) and not any(map(contains, paths, repeat("\\")))
    names = [] if plain else list(map(_named, paths))
    columns = {
        "root": [file.root for file in ordered],
        "path": paths if plain else [text for text, _ in names],
        "path_bytes": [None] * len(paths) if plain else [raw for _, raw in names],
        "content_id": [file.content_id for file in ordered],
        "modality": [file.modality for file in ordered],
        "media_type": [file.media_type for file in ordered],
        "language": [file.language for file in ordered],
        "size": [file.size for file in ordered],
        "mtime_ns": [file.mtime_ns for file in ordered],
    }
    return pa.Table.from_pydict(columns, schema=schemas.FILES)


def tally(column: pa.ChunkedArray) -> dict[str, int]:
    """How often each value of a text column comes, by value."""
    found = pc.value_counts(column)
    counts = zip(found.field(0).to_pylist(), found.field(1).to_pylist(), strict=True)
    return dict(sorted(counts))


def distinct(column: pa.ChunkedArray) -> int:
    """How many different values a column has."""
    return int(pc.count_distinct(column).as_py())


def known_files(table: pa.Table, root: str) -> dict[str, MediaFile]:
    """The files of one root by path, read back from ``schemas.FILES``."""
    mine = table.filter(pc.equal(table["root"], root)).select(schemas.FILES.names[1:])
    found: dict[str, MediaFile] = {}
    for batch in mine.to_batches(max_chunksize=_BATCH):
        columns = [column.to_pylist() for column in batch.columns]
        for path, raw, content, modality, media_type, language, size, mtime_ns in zip(
            *columns, strict=True
        ):
            name = path if raw is None else raw.decode("utf-8", "surrogateescape")
            found[name] = MediaFile(
                root,
                name,
                content,
                _MODALITIES[modality],
                intern(media_type),
                size,
                mtime_ns,
                language,
            )
    return found


def item_files_table(items: Iterable[Item]) -> pa.Table:
    """``schemas.ITEM_FILES``: one row for each file of each item, sorted."""
    rows = [(item.item_id, printable(file.path), file) for item in items for file in item.files]
    rows.sort(key=itemgetter(0, 1))
    columns = {
        "item_id": [item_id for item_id, _, _ in rows],
        "root": [file.root for _, _, file in rows],
        "path": [path for _, path, _ in rows],
        "content_id": [file.content_id for _, _, file in rows],
        "role": [file.modality for _, _, file in rows],
    }
    return pa.Table.from_pydict(columns, schema=schemas.ITEM_FILES)


def items_table(items: Sequence[Item], segments: Mapping[Modality, pa.Table]) -> pa.Table:
    """``schemas.ITEMS`` and the user's columns; ``has_*`` says what has a live segment."""
    ordered = sorted(items, key=lambda item: item.item_id)
    _refuse_collisions(ordered)
    ids = pa.array([item.item_id for item in ordered], pa.int64())
    columns = {
        "item_id": ids,
        "root": [item.root for item in ordered],
        "key": [storable(item.key) for item in ordered],
        "labels": [list(item.labels) for item in ordered],
        "split": [item.split for item in ordered],
        **{f"has_{m}": _among(ids, segments.get(m)) for m in MODALITIES},
    }
    table = pa.Table.from_pydict(columns, schema=schemas.ITEMS)
    for name in sorted({name for item in ordered for name in item.columns}):
        table = table.append_column(
            *_user_column(name, [item.columns.get(name) for item in ordered])
        )
    return table


def _among(ids: pa.Array, segments: pa.Table | None) -> pa.Array:
    """Which items have one of the segments."""
    known = pa.array([], pa.int64()) if segments is None else segments["item_id"]
    return pc.is_in(ids, value_set=pc.unique(known))


def _user_column(name: str, values: list[Any]) -> tuple[str, pa.Array]:
    if name in schemas.ITEMS.names:
        raise ConfigError(
            f"the manifest's column {name!r} is one of the lake's own: rename it in the manifest"
        )
    values = [storable(value) if isinstance(value, str) else value for value in values]
    try:
        return storable(name), pa.array(values)
    except (pa.ArrowException, OverflowError, UnicodeError):
        # values of several types, or none that Arrow has: keep them as text
        texts = [None if value is None else storable(str(value)) for value in values]
        return storable(name), pa.array(texts, pa.string())


def _refuse_collisions(ordered: Sequence[Item]) -> None:
    for one, other in pairwise(ordered):
        if one.item_id == other.item_id:
            raise ConfigError(
                f"items {one.key!r} and {other.key!r} have the same 63-bit id: rename one of them"
                if one.key != other.key
                else f"item {one.key!r} was grouped twice below {one.root!r}: name each root once"
            )


def segments_table(item_files: pa.Table, descriptions: pa.Table) -> pa.Table:
    """``schemas.SEGMENTS``: the segments of contents that items have, one row per item served."""
    pairs = (
        item_files.select(["content_id", "item_id"])
        .group_by(["content_id", "item_id"])
        .aggregate([])
    )
    places = pa.table(  # Arrow joins no columns of lists, such as boxes
        {
            "content_id": descriptions["content_id"],
            "segment_id": descriptions["segment_id"],
            "place": np.arange(descriptions.num_rows),
        }
    )
    joined = places.join(pairs, keys="content_id", join_type="inner")
    joined = joined.sort_by([("segment_id", "ascending"), ("item_id", "ascending")])
    rows = descriptions.take(joined["place"]).append_column("item_id", joined["item_id"])
    return rows.select(schemas.SEGMENTS.names).cast(schemas.SEGMENTS)


def quarantine_table(
    rejections: Iterable[Rejection], previous: pa.Table | None, now: datetime
) -> pa.Table:
    """``schemas.QUARANTINE``; ``first_seen`` is kept, and ``last_seen`` too if nothing changed.

    Another decoder, or another message of it, is no new trouble: it was first seen when it was.
    """
    rows = sorted((record_of(r) for r in rejections), key=_quarantine_key)
    known = [] if previous is None else previous.to_pylist()
    order = sorted(range(len(known)), key=lambda place: _quarantine_key(known[place]))
    before = {_quarantine_key(known[place]): known[place] for place in order}
    if previous is not None and [_quarantine_key(row) for row in rows] == list(before):
        return previous.take(pa.array(order, pa.int64()))
    first: dict[tuple[str, ...], datetime] = {}
    for old in known:
        trouble = _key(old, _TROUBLE)
        first[trouble] = min(old["first_seen"], first.get(trouble, now))
    for row in rows:
        row["first_seen"] = first.get(_key(row, _TROUBLE), now)
        row["last_seen"] = now
    return pa.Table.from_pylist(rows, schema=schemas.QUARANTINE)


def part_rejections(
    records: Iterable[Mapping[str, Any]], files: Iterable[MediaFile]
) -> list[Rejection]:
    """What parts record as refused (``record_of``), once for each file with such a content now."""
    records = list(records)
    refused = {str(record["content_id"]) for record in records}
    places = defaultdict(list)
    for file in files if refused else ():
        if file.content_id in refused:
            places[file.content_id].append((file.root, file.path))
    found = (
        replace(rejection_of(record), root=root, path=path)
        for record in records
        for root, path in places.get(str(record["content_id"]), ())
    )
    return list(dict.fromkeys(found))  # two encoders may say the same of a file


def _quarantine_key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return _key(row, schemas.QUARANTINE_KEY)


def _key(row: Mapping[str, Any], names: Iterable[str]) -> tuple[str, ...]:
    return tuple("" if row.get(name) is None else str(row[name]) for name in names)


def rejection_of(row: Mapping[str, Any]) -> Rejection:
    """A rejection read back from a part's record (the keys of a quarantine row)."""
    return Rejection(
        root=row["root"],
        path=row["path"],
        content_id=row["content_id"],
        stage=row["stage"],
        reason=row["reason"],
        message=row["message"] or "",
        decoder=row["decoder"],
        source=row.get("source"),
        span=span_of(row),
    )


def span_of(row: Mapping[str, Any]) -> Span | None:
    """Where in its content a row's segment, or fault, lies; None where that is all of it."""
    if row.get("unit") is None:
        return None
    box = row.get("box")
    left, top, right, bottom = box or (0.0, 0.0, 0.0, 0.0)
    return Span(row["start"], row["end"], row["unit"], (left, top, right, bottom) if box else None)


def record_of(rejection: Rejection) -> dict[str, Any]:
    """A rejection as a part's record keeps it: a quarantine row without times."""
    return {
        "root": rejection.root,
        "path": printable(rejection.path),
        "content_id": rejection.content_id,
        "source": rejection.source,
        **_placed(rejection.span),
        "stage": rejection.stage,
        "reason": rejection.reason,
        "message": rejection.message or None,
        "decoder": rejection.decoder,
    }


def _placed(span: Span | None) -> dict[str, Any]:
    """The columns that say where; floats, since the id of a segment is made of them."""
    if span is None:
        return dict.fromkeys(("start", "end", "unit", "box"))
    box = None if span.box is None else [float(number) for number in span.box]
    return {"start": float(span.start), "end": float(span.end), "unit": span.unit, "box": box}
