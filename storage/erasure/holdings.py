"""Which item has which content at which path, over all kept snapshots."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from storage import schemas
from storage.snapshot import Snapshot
from storage.tables import stream_part

Place = tuple[str, str]

_HELD: Final = ["item_id", "root", "path", "content_id"]
_KEYS: Final = ["item_id", "root", "key"]
_REFUSED: Final = ["root", "path", "content_id"]


@dataclass(frozen=True, slots=True, eq=False)
class Holdings:
    """Distinct rows of ``item_files``, ``items`` and ``quarantine`` of several snapshots."""

    held: pa.Table  # item_id, root, path, content_id
    keys: pa.Table  # item_id, root, key
    refused: pa.Table  # root, path, content_id

    @classmethod
    def of(cls, snapshots: Iterable[Snapshot]) -> Holdings:
        """Read each part once, however many of the snapshots name it."""
        kept = list(snapshots)
        return cls(
            _distinct(kept, "item_files", _HELD, schemas.ITEM_FILES),
            _distinct(kept, "items", _KEYS, schemas.ITEMS),
            _distinct(kept, "quarantine", _REFUSED, schemas.QUARANTINE),
        )

    def at(self, places: Collection[Place]) -> pa.Table:
        """The rows of ``held`` at ``places``; of names that differ in NFC and NFD only, either."""
        return _at(self.held, places)

    def refused_at(self, places: Collection[Place]) -> list[Place]:
        """Which of ``places`` are of files that were refused."""
        rows = _at(self.refused, places)
        return sorted(set(zip(rows["root"].to_pylist(), rows["path"].to_pylist(), strict=True)))

    def below(self, root: str, prefix: str) -> list[str]:
        """The paths of a root that begin with ``prefix``, sorted."""
        mine = pc.and_(
            pc.equal(self.held["root"], root), pc.starts_with(self.held["path"], pattern=prefix)
        )
        return sorted(set(self.held["path"].filter(mine).to_pylist()))

    def ending(self, name: str) -> list[str]:
        """The files called ``name``, with or without their endings, as ROOT/path; sorted."""
        pattern = rf"(^|/){re.escape(name)}(\.[^/]*)?$"
        mine = self.held.filter(pc.match_substring_regex(self.held["path"], pattern=pattern))
        rows = zip(mine["root"].to_pylist(), mine["path"].to_pylist(), strict=True)
        return sorted({f"{root}/{path}" for root, path in rows})

    def of_items(self, items: Collection[int]) -> pa.Table:
        """The rows of ``held`` of ``items``."""
        return self.held.filter(pc.is_in(self.held["item_id"], pa.array(sorted(items))))

    def of_contents(self, contents: Collection[str]) -> pa.Table:
        """The rows of ``held`` with ``contents``."""
        wanted = pa.array(sorted(contents), pa.string())
        return self.held.filter(pc.is_in(self.held["content_id"], wanted))

    def known(self, items: Collection[int]) -> set[int]:
        """Those of ``items`` that there are."""
        found = self.keys["item_id"].filter(
            pc.is_in(self.keys["item_id"], pa.array(sorted(items), pa.int64()))
        )
        return set(found.to_pylist())

    def names(self, items: Collection[int]) -> dict[int, tuple[str, str]]:
        """Item id → root and key."""
        rows = self.keys.filter(
            pc.is_in(self.keys["item_id"], pa.array(sorted(items), pa.int64()))
        )
        return {row["item_id"]: (row["root"], row["key"]) for row in rows.to_pylist()}


def _distinct(
    snapshots: Sequence[Snapshot], table: str, columns: list[str], schema: pa.Schema
) -> pa.Table:
    names = sorted({name for one in snapshots for name in one.manifest.paths(table)})
    root = snapshots[0].layout.root if snapshots else None
    parts = [part for name in names if root for part in stream_part(root / name, columns)]
    wanted = pa.schema([schema.field(name).with_nullable(True) for name in columns])
    rows = pa.concat_tables([part.cast(wanted) for part in parts] or [wanted.empty_table()])
    return rows.group_by(columns).aggregate([]).select(columns).combine_chunks()


def _at(rows: pa.Table, places: Collection[Place]) -> pa.Table:
    exact = _where(rows, set(places))
    if exact.num_rows:
        return exact
    forms = {(r, unicodedata.normalize(f, p)) for r, p in places for f in ("NFC", "NFD")}
    return _where(rows, forms)


def _where(rows: pa.Table, places: set[Place]) -> pa.Table:
    near = rows.filter(
        pc.is_in(rows["path"], pa.array(sorted({p for _, p in places}), pa.string()))
    )
    return near.filter(pa.array([place in places for place in places_of(near)], pa.bool_()))


def places_of(rows: pa.Table) -> Iterator[Place]:
    """Root and path of each row."""
    return zip(rows["root"].to_pylist(), rows["path"].to_pylist(), strict=True)
