"""Snapshots: opened whole, read by what their manifest names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from storage import schemas
from storage.errors import CorruptLakeError, NoLakeError
from storage.indexes.files import Index
from storage.layout import Layout
from storage.manifest import IndexEntry, Manifest, read_manifest, sha256
from storage.schemas import MODALITIES, Modality
from storage.tables import read_parts, stream_part, vectors_of

TABLES: Final = {
    "files": schemas.FILES,
    "items": schemas.ITEMS,
    "item_files": schemas.ITEM_FILES,
    "segments": schemas.SEGMENTS,
    "quarantine": schemas.QUARANTINE,
}

Rows = tuple[NDArray[np.int64], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One immutable snapshot, or a candidate; reads only the files its manifest names."""

    layout: Layout
    manifest: Manifest

    @classmethod
    def open(cls, layout: Layout, number: int | None = None) -> Snapshot:
        """Open snapshot ``number``, or the published one; NoLakeError when there is none.

        Raises CorruptLakeError when a file is missing or has another size than it should.
        """
        return cls.of(layout, manifest_of(layout, number))

    @classmethod
    def of(cls, layout: Layout, manifest: Manifest) -> Snapshot:
        """Open what ``manifest`` names, checked as ``open`` does."""
        for file in manifest.files:
            path = layout.root / file.path
            size = path.stat().st_size if path.is_file() else None
            if size is None:
                raise CorruptLakeError(path, "is missing")
            if size != file.bytes:
                raise CorruptLakeError(path, f"has {size} bytes, not {file.bytes}")
        return cls(layout, manifest)

    def verify(self) -> None:
        """Read every file and raise CorruptLakeError at the first with another checksum."""
        for file in self.manifest.files:
            if sha256(self.layout.root / file.path) != file.sha256:
                raise CorruptLakeError(self.layout.root / file.path, "has another checksum")

    def rows(self, table: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Read ``files``, ``items``, ``item_files``, ``quarantine`` or ``segments/<modality>``.

        A table without files has its columns and no rows.
        """
        paths = self._paths(table)
        if paths:
            return read_parts(paths, columns)
        empty = TABLES[table.partition("/")[0]].empty_table()
        return empty if columns is None else empty.select(list(columns))

    def cells(self, modality: Modality) -> Rows:
        """Ids and vectors, (n,) and (n, d), of the live segments in the encoder's own space.

        Sorted by id, each segment once. Without an encoder for the modality both are empty, d 0.
        """
        encoder = self.manifest.encoder(modality)
        if encoder is None:
            return np.empty(0, dtype=np.int64), np.empty((0, 0), dtype=np.float32)
        folder = self.layout.embeddings(modality, encoder.name, encoder.fingerprint)
        return self._gather(modality, folder, encoder.dim)

    def vectors(self, modality: Modality) -> tuple[str, NDArray[np.int64], NDArray[np.float32]]:
        """Space, ids and vectors of the live segments, in the space in which they are searched.

        That is the projection's space if it joins the encoder, else the encoder's own; "" when
        the modality has no encoder.
        """
        encoder, projection = self.manifest.encoder(modality), self.manifest.projection
        if encoder is None or projection is None or not self.manifest.joins(encoder):
            return ("" if encoder is None else encoder.space, *self.cells(modality))
        folder = self.layout.space(projection.space, modality)
        return (projection.space, *self._gather(modality, folder, projection.dim))

    def served(
        self, modality: Modality
    ) -> tuple[str, NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """``vectors`` with a row for each item that a segment serves.

        Space, item ids (n,), segment ids (n,) and vectors (n, d), in the order of ``segments``.
        Raises CorruptLakeError when a live segment has no vector.
        """
        space, ids, vectors = self.vectors(modality)
        pairs = self.rows(f"segments/{modality}", ["segment_id", "item_id"])
        wanted = pairs["segment_id"].to_numpy()
        if lacking := np.count_nonzero(~np.isin(wanted, ids)):
            folder = self.layout.rows(f"segments/{modality}")
            raise CorruptLakeError(folder, f"{lacking} of its {len(wanted)} rows have no vector")
        place = np.searchsorted(ids, wanted)
        return space, pairs["item_id"].to_numpy(), wanted, vectors[place]

    def fused(self) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.bool_]] | None:
        """Item ids (n,), vectors (n, d) and presence (n, 4) of the live items, or None."""
        fusion = self.manifest.fusion
        if fusion is None:
            return None
        folder = self.layout.fused(fusion.space, fusion.fingerprint)
        names = [f"has_{modality}" for modality in MODALITIES]
        paths = self._paths(self.layout.relative(folder))
        table = read_parts(paths, ["item_id", "vector", *names])
        if not paths:
            table = schemas.fused_schema(fusion.dim).empty_table()
        ids = table["item_id"].to_numpy()
        if len(np.unique(ids)) < len(ids):
            raise CorruptLakeError(folder, "an item has two fused vectors")
        live = np.isin(ids, self.rows("items", ["item_id"])["item_id"].to_numpy())
        has = np.stack([table[name].to_numpy() for name in names], axis=1).astype(bool)
        return ids[live], vectors_of(table)[live], has[live]

    def index(self, modality: str) -> Index | None:
        """The index over a modality's segments, or over the items ("fused"), if there is one."""
        found = next((i for i in self.manifest.indexes if i.modality == modality), None)
        return None if found is None else self.opened(found)

    def opened(self, found: IndexEntry) -> Index:
        """An index of the manifest; CorruptLakeError when another one lies in its place."""
        folder = self.layout.root / found.path
        index = Index.open(folder)
        card = index.card
        if (card.space, card.rows, card.dim) != (found.space, found.rows, found.dim):
            raise CorruptLakeError(folder / "index.json", "is not the index its manifest names")
        return index

    def _paths(self, folder: str) -> list[Path]:
        return [self.layout.root / path for path in self.manifest.paths(folder)]

    def _gather(self, modality: Modality, folder: Path, dim: int) -> Rows:
        """The vectors of all live segments; holds them and one row group in memory."""
        live = np.unique(
            self.rows(f"segments/{modality}", ["segment_id"])["segment_id"].to_numpy()
        )
        vectors = np.empty((len(live), dim), dtype=np.float32)
        missing = np.ones(len(live), dtype=bool)
        for path in self._paths(self.layout.relative(folder)) if len(live) else ():
            for table in stream_part(path, ["segment_id", "vector"]):
                if table.schema.field("vector").type.list_size != dim:
                    raise CorruptLakeError(path, f"its vectors do not have {dim} numbers")
                ids = table["segment_id"].to_numpy()
                at = np.minimum(np.searchsorted(live, ids), len(live) - 1)
                new = (live[at] == ids) & missing[at]  # of two parts the first one counts
                vectors[at[new]] = vectors_of(table)[new]
                missing[at[new]] = False
        if missing.any():
            raise CorruptLakeError(
                folder, f"lacks the vectors of {missing.sum()} of {len(live)} live segments"
            )
        return live, vectors


def current(layout: Layout) -> int | None:
    """The number of the published snapshot; None when nothing is published."""
    try:
        return int(layout.current.read_text("ascii"))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise CorruptLakeError(layout.current, "does not hold a number") from error


def manifest_of(layout: Layout, number: int | None = None) -> Manifest:
    """The manifest of snapshot ``number``, or of the published one; looks at no other file.

    Raises NoLakeError when there is none.
    """
    chosen = current(layout) if number is None else number
    if chosen is None or (number is not None and number not in published(layout)):
        raise NoLakeError(layout.root, number)
    return read_manifest(layout.snapshot(chosen) / "manifest.json")


def published(layout: Layout) -> list[int]:
    """The numbers of the snapshots that are kept, ascending."""
    found = layout.snapshots.glob("*/manifest.json")
    return sorted(int(p.parent.name) for p in found if p.parent.name.isdecimal())
