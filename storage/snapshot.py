"""Snapshots: opened whole, read by what their manifest names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from storage import schemas
from storage.errors import CorruptLakeError, SnapshotReissuedError
from storage.indexes.files import Index
from storage.layout import Layout
from storage.manifest import IndexEntry, Manifest, read_manifest
from storage.places.place import sizes
from storage.published import manifest_of
from storage.schemas import MODALITIES, Modality
from storage.tables import read_parts, vectors_of
from storage.vector_blocks import VectorBlocks, holds, places, streamed

TABLES: Final = {
    "files": schemas.FILES,
    "items": schemas.ITEMS,
    "item_files": schemas.ITEM_FILES,
    "segments": schemas.SEGMENTS,
    "quarantine": schemas.QUARANTINE,
    "captions": schemas.CAPTIONS,
    "queries": schemas.QUERIES,
    "words": schemas.WORDS,
}

P = ParamSpec("P")
T = TypeVar("T")
Rows = tuple[NDArray[np.int64], NDArray[np.float32]]


def refuse_outdated(layout: Layout, manifest: Manifest, error: CorruptLakeError) -> None:
    """Raise SnapshotReissuedError where a file is gone because the snapshot is another one now."""
    if manifest.number is None or error.path.exists():
        return
    path = layout.snapshot(manifest.number) / "manifest.json"
    if not path.exists() or read_manifest(path).reissued_at != manifest.reissued_at:
        raise SnapshotReissuedError(layout.root, manifest.number) from error


def _as_opened(
    read: Callable[Concatenate[Snapshot, P], T],
) -> Callable[Concatenate[Snapshot, P], T]:
    """Make a method of an open snapshot say that it is outdated, not that it is damaged."""

    @wraps(read)
    def reading(self: Snapshot, /, *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return read(self, *args, **kwargs)
        except CorruptLakeError as error:
            refuse_outdated(self.layout, self.manifest, error)
            raise

    return reading


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One immutable snapshot, or a candidate; reads only the files its manifest names."""

    layout: Layout
    manifest: Manifest

    @classmethod
    def open(cls, layout: Layout, number: int | None = None) -> Snapshot:
        """Open snapshot ``number``, or the published one; NoLakeError when there is none.

        One that an erasure writes anew meanwhile is opened as it is then. Raises CorruptLakeError
        when a file is missing or has another size than it should.
        """
        manifest = manifest_of(layout, number)
        while True:
            try:
                return cls.of(layout, manifest)
            except CorruptLakeError:
                again = manifest_of(layout, number)
                if again == manifest:
                    raise
                manifest = again

    @classmethod
    def of(cls, layout: Layout, manifest: Manifest) -> Snapshot:
        """Open what ``manifest`` names, checked as ``open`` does."""
        size_of = sizes(layout.root, (file.path for file in manifest.files))
        for file in manifest.files:
            path, size = layout.root / file.path, size_of(file.path)
            if size is None:
                raise CorruptLakeError(path, "is missing")
            if size != file.bytes:
                raise CorruptLakeError(path, f"has {size} bytes, not {file.bytes}")
        return cls(layout, manifest)

    @_as_opened
    def rows(self, table: str, columns: Sequence[str] | None = None) -> pa.Table:
        """Read ``files``, ``items``, ``item_files``, ``quarantine`` or ``segments/<modality>``.

        A table without files has its columns and no rows; what an older one lacks is null.
        """
        paths, schema = self._paths(table), TABLES[table.partition("/")[0]]
        if paths:
            return read_parts(paths, columns, like=schema)
        empty = schema.empty_table()
        return empty if columns is None else empty.select(list(columns))

    def cells(
        self,
        modality: Modality,
        wanted: NDArray[np.int64] | None = None,
        space: str | None = None,
    ) -> Rows:
        """Ids and vectors, (n,) and (n, d), of the live segments in the encoder's own space.

        Sorted by id, each segment once; with ``wanted``, only those of them. The encoder is the
        main one, or that of ``space``, one of ``spaces``. Without one both are empty, d 0.
        """
        encoder = self.manifest.encoder(modality, space)
        if encoder is None:
            return np.empty(0, dtype=np.int64), np.empty((0, 0), dtype=np.float32)
        folder = self.layout.embeddings(
            modality, encoder.name, encoder.fingerprint, self.manifest.dtype
        )
        return self._gather(modality, folder, encoder.dim, wanted)

    def spaces(self, modality: Modality) -> tuple[str, ...]:
        """The spaces in which a modality is searched, the main one first.

        There is one for each of its encoders: the projection's space if it joins the encoder, else
        the encoder's own. Texts alone may have several, one for each text tower.
        """
        return self.manifest.spaces(modality)

    def space(self, modality: Modality) -> str:
        """The main space in which a modality is searched; "" when it has no encoder."""
        return next(iter(self.spaces(modality)), "")

    def blocks(self, modality: str, space: str | None = None) -> VectorBlocks | None:
        """The live vectors of a modality, or of the items ("fused"), to be read block by block.

        They are those of ``vectors`` and ``fused``; no more than a row group is held at once. None
        where there is no encoder, or no fusion.
        """
        if modality == schemas.FUSED:
            return self._fused_blocks()
        found = self._stored(Modality(modality), space)
        return None if found is None else self._blocks(Modality(modality), found[1], found[2])

    def vectors(
        self,
        modality: Modality,
        wanted: NDArray[np.int64] | None = None,
        space: str | None = None,
    ) -> tuple[str, NDArray[np.int64], NDArray[np.float32]]:
        """Space, ids and vectors of the live segments, in the space in which they are searched.

        That is the main one, or ``space``, another one of ``spaces``. With ``wanted``, only those
        of the live ones, and parts that have none of them are not read but for their ids.
        """
        found = self._stored(modality, space)
        if found is None:
            return ("", *self.cells(modality, wanted, space))
        name, folder, dim = found
        return (name, *self._gather(modality, folder, dim, wanted))

    def _stored(self, modality: Modality, space: str | None) -> tuple[str, Path, int] | None:
        """The space in which a modality is searched, the folder of its vectors, and their dim."""
        encoder, projection = self.manifest.encoder(modality, space), self.manifest.projection
        if encoder is None:
            return None
        dtype = self.manifest.dtype
        if projection is None or not self.manifest.joins(encoder):
            folder = self.layout.embeddings(modality, encoder.name, encoder.fingerprint, dtype)
            return encoder.space, folder, encoder.dim
        return (
            projection.space,
            self.layout.space(projection.space, modality, dtype),
            projection.dim,
        )

    def pairs(self, modality: Modality) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Item ids (n,) and segment ids (n,): a row for each item that a segment serves."""
        rows = self.rows(f"segments/{modality}", ["segment_id", "item_id"])
        return rows["item_id"].to_numpy(), rows["segment_id"].to_numpy()

    @_as_opened
    def fused(self) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.bool_]] | None:
        """Item ids (n,), sorted, vectors (n, d) and presence (n, 4) of the live items, or None."""
        fusion = self.manifest.fusion
        if fusion is None:
            return None
        folder = self.layout.fused(fusion.space, fusion.fingerprint, self.manifest.dtype)
        names = [f"has_{modality}" for modality in MODALITIES]
        paths = self._paths(self.layout.relative(folder))
        live = np.unique(self.rows("items", ["item_id"])["item_id"].to_numpy())
        vectors = np.empty((len(live), fusion.dim), dtype=np.float32)
        has = np.zeros((len(live), len(names)), dtype=bool)
        found = np.zeros(len(live), dtype=bool)
        for table in streamed(paths, fusion.dim, ["item_id", "vector", *names]):
            mine, place = places(table["item_id"].to_numpy(), live)
            if found[place].any() or len(np.unique(place)) < len(place):
                raise CorruptLakeError(folder, "an item has two fused vectors")
            found[place] = True
            vectors[place] = vectors_of(table)[mine]
            has[place] = np.stack([table[name].to_numpy() for name in names], axis=1)[mine]
        if found.all():
            return live, vectors, has
        return live[found], vectors[found], has[found]

    def index(self, modality: str, space: str | None = None) -> Index | None:
        """The index over a modality's segments, or over the items ("fused"), if there is one.

        Of several the one in the main space, or in ``space``.
        """
        mine = (i for i in self.manifest.indexes if i.modality == modality)
        found = next((i for i in mine if space in (None, i.space)), None)
        return None if found is None else self.opened(found)

    @_as_opened
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

    @_as_opened
    def _fused_blocks(self) -> VectorBlocks | None:
        """``blocks`` of the live items that have a fused vector."""
        fusion = self.manifest.fusion
        if fusion is None:
            return None
        folder = self.layout.fused(fusion.space, fusion.fingerprint, self.manifest.dtype)
        paths = self._paths(self.layout.relative(folder))
        fused = read_parts(paths, ["item_id"])["item_id"].to_numpy() if paths else ()
        ids, counts = np.unique(np.asarray(fused, dtype=np.int64), return_counts=True)
        if np.any(counts > 1):
            raise CorruptLakeError(folder, "an item has two fused vectors")
        live = np.intersect1d(ids, self.rows("items", ["item_id"])["item_id"].to_numpy())
        return VectorBlocks(live, fusion.dim, folder, paths, key="item_id")

    @_as_opened
    def _blocks(
        self,
        modality: Modality,
        folder: Path,
        dim: int,
        wanted: NDArray[np.int64] | None = None,
    ) -> VectorBlocks:
        """Those of all live segments, or of those wanted."""
        live = np.unique(
            self.rows(f"segments/{modality}", ["segment_id"])["segment_id"].to_numpy()
        )
        paths = self._paths(self.layout.relative(folder))
        if wanted is not None:
            live = np.intersect1d(live, wanted)
            paths = [path for path in paths if len(live) and holds(path, live)]
        return VectorBlocks(live, dim, folder, paths)

    @_as_opened
    def _gather(
        self, modality: Modality, folder: Path, dim: int, wanted: NDArray[np.int64] | None
    ) -> Rows:
        """The vectors of all live segments, or those wanted; holds them and one row group."""
        found = self._blocks(modality, folder, dim, wanted)
        return found.ids, found.gathered()
