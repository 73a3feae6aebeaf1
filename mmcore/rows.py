"""Files, items, segments and rejections as the Arrow tables of a lake; pure."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from mmcore.errors import ConfigError
from mmcore.types import Item, MediaFile, Rejection, Span
from storage import schemas
from storage.schemas import MODALITIES, Modality

_QUARANTINE_KEY: Final = (
    *("root", "path", "content_id", "source", "start", "stage", "reason", "message", "decoder"),
)


def printable(path: str) -> tuple[str, bytes | None]:
    """``path`` with escapes for what is not UTF-8, and its raw bytes where there is such."""
    text = path.encode("utf-8", "backslashreplace").decode()
    return text, None if text == path else os.fsencode(path)


def files_table(files: Iterable[MediaFile]) -> pa.Table:
    """``schemas.FILES``, sorted by root and path; each (root, path) once."""
    rows = []
    for file in sorted(
        {(f.root, f.path): f for f in files}.values(), key=lambda f: (f.root, f.path)
    ):
        path, raw = printable(file.path)
        rows.append(
            {
                "root": file.root,
                "path": path,
                "path_bytes": raw,
                "content_id": file.content_id,
                "modality": file.modality.value,
                "media_type": file.media_type,
                "language": file.language,
                "size": file.size,
                "mtime_ns": file.mtime_ns,
            }
        )
    return pa.Table.from_pylist(rows, schema=schemas.FILES)


def known_files(table: pa.Table, root: str) -> dict[str, MediaFile]:
    """The files of one root by path, read back from ``schemas.FILES``."""
    rows = table.filter(pc.equal(table["root"], root)).to_pylist()
    found = {}
    for row in rows:
        raw = row["path_bytes"]
        path = row["path"] if raw is None else raw.decode("utf-8", "surrogateescape")
        found[path] = MediaFile(
            root=root,
            path=path,
            content_id=row["content_id"],
            modality=Modality(row["modality"]),
            media_type=row["media_type"],
            size=row["size"],
            mtime_ns=row["mtime_ns"],
            language=row["language"],
        )
    return found


def item_files_table(items: Iterable[Item]) -> pa.Table:
    """``schemas.ITEM_FILES``: one row for each file of each item, sorted."""
    rows = [
        {
            "item_id": item.item_id,
            "root": file.root,
            "path": printable(file.path)[0],
            "content_id": file.content_id,
            "role": file.modality.value,
        }
        for item in items
        for file in item.files
    ]
    rows.sort(key=lambda row: (row["item_id"], row["path"]))
    return pa.Table.from_pylist(rows, schema=schemas.ITEM_FILES)


def items_table(items: Sequence[Item], segments: Mapping[Modality, pa.Table]) -> pa.Table:
    """``schemas.ITEMS`` and the user's columns; ``has_*`` says what has a live segment."""
    ordered = sorted(items, key=lambda item: item.item_id)
    _refuse_collisions(ordered)
    has = {
        m: set(segments[m]["item_id"].to_pylist()) if m in segments else set() for m in MODALITIES
    }
    rows = [
        {
            "item_id": item.item_id,
            "root": item.root,
            "key": printable(item.key)[0],
            "labels": list(item.labels),
            "split": item.split,
            **{f"has_{m}": item.item_id in has[m] for m in MODALITIES},
        }
        for item in ordered
    ]
    table = pa.Table.from_pylist(rows, schema=schemas.ITEMS)
    for name in sorted({name for item in ordered for name in item.columns}):
        table = table.append_column(
            *_user_column(name, [item.columns.get(name) for item in ordered])
        )
    return table


def _user_column(name: str, values: list[Any]) -> tuple[str, pa.Array]:
    if name in schemas.ITEMS.names:
        raise ConfigError(
            f"the manifest's column {name!r} is one of the lake's own: rename it in the manifest"
        )
    values = [printable(value)[0] if isinstance(value, str) else value for value in values]
    try:
        return printable(name)[0], pa.array(values)
    except (pa.ArrowException, OverflowError, UnicodeError):
        # values of several types, or none that Arrow has: keep them as text
        texts = [None if value is None else printable(str(value))[0] for value in values]
        return printable(name)[0], pa.array(texts, pa.string())


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
    rows = descriptions.select(schemas.DESCRIPTIONS.names).join(
        pairs, keys="content_id", join_type="inner"
    )
    rows = rows.select(schemas.SEGMENTS.names).cast(schemas.SEGMENTS)
    return rows.sort_by([("segment_id", "ascending"), ("item_id", "ascending")])


def quarantine_table(
    rejections: Iterable[Rejection], previous: pa.Table | None, now: datetime
) -> pa.Table:
    """``schemas.QUARANTINE``; ``first_seen`` is kept, and ``last_seen`` too if nothing changed."""
    rows = sorted((record_of(r) for r in rejections), key=_quarantine_key)
    before = (
        {} if previous is None else {_quarantine_key(row): row for row in previous.to_pylist()}
    )
    if previous is not None and [_quarantine_key(row) for row in rows] == list(before):
        return previous
    for row in rows:
        seen = before.get(_quarantine_key(row))
        row["first_seen"] = seen["first_seen"] if seen else now
        row["last_seen"] = now
    return pa.Table.from_pylist(rows, schema=schemas.QUARANTINE)


def part_rejections(
    records: Iterable[Mapping[str, Any]], files: Iterable[MediaFile]
) -> list[Rejection]:
    """What parts record as refused (``record_of``), once for each file with such a content now."""
    places = defaultdict(list)
    for file in files:
        places[file.content_id].append((file.root, file.path))
    found = (
        replace(rejection_of(record), root=root, path=path)
        for record in records
        for root, path in places.get(str(record["content_id"]), ())
    )
    return list(dict.fromkeys(found))  # two encoders may say the same of a file


def _quarantine_key(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple("" if row[name] is None else str(row[name]) for name in _QUARANTINE_KEY)


def rejection_of(row: Mapping[str, Any]) -> Rejection:
    """A rejection read back from a part's record (the keys of a quarantine row)."""
    span = None if row.get("unit") is None else Span(row["start"], row["end"], row["unit"])
    return Rejection(
        root=row["root"],
        path=row["path"],
        content_id=row["content_id"],
        stage=row["stage"],
        reason=row["reason"],
        message=row["message"],
        decoder=row["decoder"],
        source=row.get("source"),
        span=span,
    )


def record_of(rejection: Rejection) -> dict[str, Any]:
    """A rejection as a part's record keeps it: a quarantine row without times."""
    span = rejection.span
    return {
        "root": rejection.root,
        "path": printable(rejection.path)[0],
        "content_id": rejection.content_id,
        "source": rejection.source,
        "start": span.start if span else None,
        "end": span.end if span else None,
        "unit": span.unit if span else None,
        "stage": rejection.stage,
        "reason": rejection.reason,
        "message": rejection.message,
        "decoder": rejection.decoder,
    }
