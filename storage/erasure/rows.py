"""The rows of a snapshot without what is to be erased."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from storage import schemas
from storage.erasure.orders import Order
from storage.erasure.tombstones import of_path
from storage.schemas import MODALITIES, QUARANTINE_KEY, Modality
from storage.snapshot import Snapshot

Mask = NDArray[np.bool_]
Place = tuple[str, str]
"""A root's alias and a path below it."""

SORTED: Final = {  # as runs write them: where a table is cut into parts depends on it
    "files": ("root", "path"),
    "items": ("item_id",),
    "item_files": ("item_id", "path"),
    "segments": ("segment_id", "item_id"),
    "captions": ("content_id",),
    "queries": ("direction", "content_id"),
    "words": ("segment_id",),
}
_PLAIN: Final = ("captions", "queries")  # tables whose rows go with their content alone


@dataclass(frozen=True, slots=True)
class Cleaned:
    """The tables that change, without the erased rows, and what else is to be made anew."""

    tables: dict[str, pa.Table]  # sorted as runs write them
    items: bool  # whether an item lost a segment or is gone: fused vectors and indexes change


def cleaned(snapshot: Snapshot, order: Order, key: bytes) -> Cleaned:
    """Leave out what ``order`` names; of a snapshot that has none of it, nothing changes.

    A file goes with its content, or where only erased items have it. An item that has no file any
    more goes too.
    """
    held = snapshot.rows("item_files")
    gone = _named(held, order)
    left, lost = held.filter(pa.array(~gone)), lost_places(held, gone)
    emptied = np.setdiff1d(held["item_id"].to_numpy(), left["item_id"].to_numpy())
    items = order.items | set(emptied.tolist())
    tables: dict[str, pa.Table] = {}
    for modality in MODALITIES:
        _keep(tables, snapshot, f"segments/{modality}", lambda rows: ~_named(rows, order))
    segments = bool(tables)
    _keep_words(tables, snapshot)
    _keep(tables, snapshot, "files", lambda rows: ~(_of_contents(rows, order) | _in(rows, lost)))
    _keep(tables, snapshot, "item_files", lambda rows: ~_named(rows, order))
    for name in _PLAIN:
        if snapshot.manifest.paths(name):
            _keep(tables, snapshot, name, lambda rows: ~_of_contents(rows, order))
    refused = snapshot.rows("quarantine", ["root", "path"]) if order.paths else None
    named = _hashed(refused, order, key) if refused is not None else set()
    _keep(
        tables,
        snapshot,
        "quarantine",
        lambda rows: ~(_of_contents(rows, order) | _in(rows, lost | named)),
    )
    rows = snapshot.rows("items")
    stay = ~np.isin(rows["item_id"].to_numpy(), np.fromiter(items, np.int64, len(items)))
    if segments or not stay.all():
        tables["items"] = _items(rows.filter(pa.array(stay)), snapshot, tables)
    return Cleaned(
        {name: in_order(name, table) for name, table in tables.items()},
        items=segments or not stay.all(),
    )


def lost_places(held: pa.Table, mask: Mask) -> set[Place]:
    """The places of the rows in ``mask`` of ``held`` (``ITEM_FILES``) that no other row has."""
    gone, left = held.filter(pa.array(mask)), held.filter(pa.array(~mask))
    left = left.filter(pc.is_in(left["path"], gone["path"].combine_chunks()))
    return set(_places(gone)) - set(_places(left))


def in_order(name: str, table: pa.Table) -> pa.Table:
    """A table of rows in the order in which runs write it."""
    keys = SORTED.get(name.partition("/")[0])
    if keys is None:  # the quarantine, by what tells its rows apart (mmcore.rows)
        rows = table.to_pylist()
        order = sorted(range(len(rows)), key=lambda row: _quarantine_key(rows[row]))
        return table.take(pa.array(order, pa.int64()))
    return table.sort_by([(column, "ascending") for column in keys])


def _quarantine_key(row: dict[str, Any]) -> tuple[str, ...]:
    return tuple("" if row[name] is None else str(row[name]) for name in QUARANTINE_KEY)


def _keep(tables: dict[str, pa.Table], snapshot: Snapshot, name: str, mask: Any) -> None:
    """Put what ``mask`` keeps of the table ``name`` into ``tables`` if that is not all of it."""
    rows = snapshot.rows(name)
    kept = mask(rows) if rows.num_rows else np.ones(0, dtype=bool)
    if not kept.all():
        tables[name] = rows.filter(pa.array(kept))


def _keep_words(tables: dict[str, pa.Table], snapshot: Snapshot) -> None:
    """Put the words into ``tables`` without those of the texts that went."""
    texts = tables.get(f"segments/{Modality.TEXT}")
    if texts is not None and snapshot.manifest.paths("words"):
        live = texts["segment_id"].to_numpy()
        _keep(tables, snapshot, "words", lambda rows: np.isin(rows["segment_id"].to_numpy(), live))
        if "words" in tables:
            tables["words"] = _as_made(tables["words"])


def _named(rows: pa.Table, order: Order) -> Mask:
    """Which rows are of an item or a content that is to be erased."""
    ids = np.fromiter(order.items, np.int64, len(order.items))
    return np.isin(rows["item_id"].to_numpy(), ids) | _of_contents(rows, order)


def _of_contents(rows: pa.Table, order: Order) -> Mask:
    wanted = pa.array(sorted(order.contents), pa.string())
    found = pc.fill_null(pc.is_in(rows["content_id"], wanted), False)
    return np.asarray(found).astype(bool)


def _in(rows: pa.Table, places: set[Place]) -> Mask:
    paths = pa.array(sorted({path for _, path in places}), pa.string())
    found: Mask = np.asarray(pc.is_in(rows["path"], paths)).astype(bool)
    near = np.flatnonzero(found)
    own = _places(rows.take(pa.array(near, pa.int64())))
    found[near] = np.fromiter((place in places for place in own), bool, len(near))
    return found


def _places(rows: pa.Table) -> Iterator[Place]:
    return zip(rows["root"].to_pylist(), rows["path"].to_pylist(), strict=True)


def _hashed(refused: pa.Table, order: Order, key: bytes) -> set[Place]:
    """The places whose keyed hashes the order names."""
    return {place for place in _places(refused) if of_path(key, *place) in order.paths}


def _items(rows: pa.Table, snapshot: Snapshot, tables: dict[str, pa.Table]) -> pa.Table:
    """The items that stay, with what they have now; a user's column that none uses goes."""
    for modality in MODALITIES:
        segments = tables.get(f"segments/{modality}")
        if segments is None:
            continue
        has = np.isin(rows["item_id"].to_numpy(), segments["item_id"].to_numpy())
        at = rows.schema.get_field_index(f"has_{modality}")
        rows = rows.set_column(at, rows.schema.field(at), pa.array(has))
    empty = [
        name
        for name in rows.column_names
        if name not in schemas.ITEMS.names and rows[name].null_count == rows.num_rows
    ]
    return _as_made(rows.drop_columns(empty))


def _as_made(rows: pa.Table) -> pa.Table:
    """The rows with lists as Arrow names them in memory: Parquet gives their values another."""
    fields = [
        field.with_type(pa.list_(field.type.value_type)) if pa.types.is_list(field.type) else field
        for field in rows.schema
    ]
    return rows.cast(pa.schema(fields))
