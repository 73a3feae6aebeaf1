"""Snapshots: opened whole, read by what their manifest names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from storage import candidates, schemas
from storage.errors import FOLDER, CorruptLakeError, NoLakeError, SnapshotReissuedError
from storage.indexes.files import Index
from storage.layout import Layout
from storage.manifest import IndexEntry, Manifest, read_manifest
from storage.places.place import holding, is_local, read_now, sizes, store_of
from storage.places.stores import probe
from storage.schemas import MODALITIES, Modality
from storage.tables import read_parts, stream_part, vectors_of

TABLES: Final = {
    "files": schemas.FILES,
    "items": schemas.ITEMS,
    "item_files": schemas.ITEM_FILES,
    "segments": schemas.SEGMENTS,
    "quarantine": schemas.QUARANTINE,
    "captions": schemas.CAPTIONS,
}

_NUMBER: Final = re.compile(r"[1-9][0-9]*")

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
        encoder, projection = self.manifest.encoder(modality, space), self.manifest.projection
        if encoder is None:
            return ("", *self.cells(modality, wanted, space))
        if projection is None or not self.manifest.joins(encoder):
            return (encoder.space, *self.cells(modality, wanted, space))
        folder = self.layout.space(projection.space, modality, self.manifest.dtype)
        return (projection.space, *self._gather(modality, folder, projection.dim, wanted))

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
        for table in _streamed(paths, fusion.dim, ["item_id", "vector", *names]):
            mine, place = _places(table["item_id"].to_numpy(), live)
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
    def _gather(
        self, modality: Modality, folder: Path, dim: int, wanted: NDArray[np.int64] | None
    ) -> Rows:
        """The vectors of all live segments, or those wanted; holds them and one row group."""
        live = np.unique(
            self.rows(f"segments/{modality}", ["segment_id"])["segment_id"].to_numpy()
        )
        paths = self._paths(self.layout.relative(folder))
        if wanted is not None:
            live = np.intersect1d(live, wanted)
            paths = [path for path in paths if len(live) and _holds(path, live)]
        vectors = np.empty((len(live), dim), dtype=np.float32)
        missing = np.ones(len(live), dtype=bool)
        for table in _streamed(paths, dim, ["segment_id", "vector"]) if len(live) else ():
            mine, place = _places(table["segment_id"].to_numpy(), live)
            new = missing[place]  # of two parts the first one counts
            vectors[place[new]] = vectors_of(table)[mine][new]
            missing[place[new]] = False
        if missing.any():
            raise CorruptLakeError(
                folder, f"lacks the vectors of {missing.sum()} of {len(live)} live segments"
            )
        return live, vectors


def _streamed(paths: Sequence[Path], dim: int, columns: Sequence[str]) -> Iterator[pa.Table]:
    """The row groups of parts with vectors of ``dim`` numbers, one after the other."""
    for path in paths:
        for table in stream_part(path, columns):
            if lacking := set(columns) - set(table.column_names):
                raise CorruptLakeError(path, f"has no column {', '.join(sorted(lacking))}")
            if table.schema.field("vector").type.list_size != dim:
                raise CorruptLakeError(path, f"its vectors do not have {dim} numbers")
            yield table


def _places(
    ids: NDArray[np.int64], live: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Which of ``ids`` are among the sorted ``live`` (a mask), and the place of each of those."""
    if not len(live):
        return np.zeros(len(ids), dtype=bool), np.zeros(0, dtype=np.intp)
    place = np.minimum(np.searchsorted(live, ids), len(live) - 1)
    mine = live[place] == ids
    return mine, place[mine]


def _holds(path: Path, ids: NDArray[np.int64]) -> bool:
    """Whether a part has a row of one of the sorted ``ids``; reads its ids only."""
    found = read_parts([path], ["segment_id"])["segment_id"].to_numpy()
    return bool(np.isin(found, ids).any())


def current(layout: Layout) -> int | None:
    """The number of the published snapshot; None when nothing is published.

    Raises CorruptLakeError where the pointer is damaged, or lost: there are snapshots.
    """
    try:
        return _number(layout)
    except FileNotFoundError:
        if not published(layout):
            return None
    try:
        return _number(layout)  # another process may just have published the first one
    except FileNotFoundError as error:
        raise CorruptLakeError(layout.current, "is missing") from error


def _number(layout: Layout) -> int:
    """What ``CURRENT`` says; what a store's client raises is not taken for what it holds."""
    try:
        data = read_now(layout.current)
    except IsADirectoryError as error:
        raise CorruptLakeError(layout.current, FOLDER) from error
    text = data.decode("ascii", "replace").strip()
    if not _NUMBER.fullmatch(text):
        raise CorruptLakeError(layout.current, "does not hold a number")
    return int(text)


def manifest_of(layout: Layout, number: int | None = None) -> Manifest:
    """The manifest of snapshot ``number``, or of the published one; looks at no other file.

    Raises NoLakeError when there is none, PlaceError where a store has no such bucket.
    """
    chosen = current(layout) if number is None else number
    if chosen is None and not is_local(layout.root):
        probe(*store_of(layout.root), layout.root, writing=False)  # it may have no such bucket
    if chosen is None or (number is not None and number not in published(layout)):
        raise NoLakeError(layout.root, number)
    path = layout.snapshot(chosen) / "manifest.json"
    manifest = read_manifest(path)
    if manifest.number != chosen:
        raise CorruptLakeError(path, f"is the manifest of snapshot {manifest.number}")
    return manifest


def published(layout: Layout) -> list[int]:
    """The numbers of the snapshots that are kept, ascending.

    One whose publication a killed writer did not end, which nothing was served of, is none.
    """
    found = holding(layout.snapshots, "manifest.json")
    numbers = sorted(int(p.parent.name) for p in found if p.parent.name.isdecimal())
    begun = _begun(layout) if numbers and str(numbers[-1]) != _pointer(layout) else set()
    return [number for number in numbers if number not in begun]


def _begun(layout: Layout) -> set[int | None]:
    """The numbers of candidates that are neither refused nor, what comes last, served."""
    return {candidates.number_of(layout.candidate(run)) for run in candidates.unjudged(layout)}


def _pointer(layout: Layout) -> str:
    """What ``CURRENT`` holds, as it is; "" where it is not there."""
    try:
        return read_now(layout.current).decode("ascii", "replace").strip()
    except (FileNotFoundError, IsADirectoryError):
        return ""
