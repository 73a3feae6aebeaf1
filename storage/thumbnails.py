"""Small pictures of segments: they lie beside their cells (docs/decisions/0016)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from storage.errors import CorruptLakeError
from storage.parquet import part_file
from storage.schemas import Modality
from storage.snapshot import Snapshot, refuse_outdated
from storage.tables import reading

Ids = NDArray[np.int64]

_SEEN: Final = (Modality.IMAGE, Modality.VIDEO)
_ID: Final = "segment_id"
_PICTURE: Final = "thumbnail"


@dataclass(frozen=True, slots=True, eq=False)
class Thumbnails:
    """Where the thumbnails of live segments lie, each once: some 20 bytes a segment."""

    snapshot: Snapshot
    ids: Ids  # (n,) sorted
    parts: NDArray[np.int32]  # (n,) which of ``paths``
    groups: NDArray[np.int32]  # (n,) the row group in it
    rows: NDArray[np.int32]  # (n,) the row in that
    paths: tuple[Path, ...]

    @classmethod
    def of(cls, snapshot: Snapshot, wanted: Ids | None = None) -> Thumbnails:
        """Those of all live segments of pictures and videos, or of those ``wanted``.

        Only ids are read, and no more parts than hold what is wanted. Raises CorruptLakeError for
        a part that cannot be read, SnapshotReissuedError where an erasure took it away.
        """
        paths: list[Path] = []
        found: list[tuple[Ids, ...]] = [(np.zeros(0, dtype=np.int64),) * 4]
        with _as_opened(snapshot):
            for path, group, ids, rows in (
                one for modality in _SEEN for one in _placed(snapshot, modality, wanted)
            ):
                paths += [path] if path not in paths[-1:] else []
                at = np.full_like(rows, len(paths) - 1), np.full_like(rows, group)
                found.append((ids, *at, rows))
        columns = [np.concatenate(column) for column in zip(*found, strict=True)]
        order = np.argsort(columns[0])
        parts, groups, rows32 = (column[order].astype(np.int32) for column in columns[1:])
        return cls(snapshot, columns[0][order], parts, groups, rows32, (*paths,))

    def pictures(self, segment_ids: Iterable[int]) -> dict[int, bytes]:
        """The thumbnails, as JPEG, of those of some segments that have one, by id.

        Of a part the pictures of those row groups are read. Raises as ``of`` does.
        """
        wanted = np.unique(np.fromiter(segment_ids, dtype=np.int64))
        places = np.flatnonzero(np.isin(self.ids, wanted))
        found: dict[int, bytes] = {}
        for part in np.unique(self.parts[places]).tolist():
            found |= self._of_part(self.paths[part], places[self.parts[places] == part])
        return found

    def _of_part(self, path: Path, places: NDArray[np.intp]) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        with _as_opened(self.snapshot), reading(path), part_file(path) as part:
            for group in np.unique(self.groups[places]).tolist():
                mine = places[self.groups[places] == group]
                pictures = _pictures(part, group, self.rows[mine])
                ids = self.ids[mine].tolist()
                found |= {i: one for i, one in zip(ids, pictures, strict=True) if one is not None}
        return found


def thumbnails(snapshot: Snapshot, segment_ids: Iterable[int]) -> dict[int, bytes]:
    """The thumbnails of some segments, of a snapshot that is asked for them once."""
    wanted = np.unique(np.fromiter(segment_ids, dtype=np.int64))
    return Thumbnails.of(snapshot, wanted).pictures(wanted.tolist())


@contextmanager
def _as_opened(snapshot: Snapshot) -> Iterator[None]:
    """Say that the snapshot is outdated where it is, not that it is damaged."""
    try:
        yield
    except CorruptLakeError as error:
        refuse_outdated(snapshot.layout, snapshot.manifest, error)
        raise


def _placed(
    snapshot: Snapshot, modality: Modality, wanted: Ids | None
) -> Iterator[tuple[Path, int, Ids, Ids]]:
    """Part, row group, ids and rows of the live segments of a medium, or of those wanted."""
    left = np.unique(snapshot.pairs(modality)[1])
    left = left if wanted is None else np.intersect1d(wanted, left)
    for path in _parts(snapshot, modality) if len(left) else ():
        for group, ids in _groups(path):
            rows = _firsts(ids, left)
            left = np.setdiff1d(left, ids[rows])  # the first part counts
            yield path, group, ids[rows], rows
        if not len(left):
            return


def _parts(snapshot: Snapshot, modality: Modality) -> Iterator[Path]:
    """The parts of a modality's cells, in the order that counts."""
    encoder, layout = snapshot.manifest.encoder(modality), snapshot.layout
    if encoder is None:
        return
    folder = layout.embeddings(
        modality, encoder.name, encoder.fingerprint, snapshot.manifest.dtype
    )
    yield from (layout.root / path for path in snapshot.manifest.paths(layout.relative(folder)))


def _groups(path: Path) -> Iterator[tuple[int, Ids]]:
    """The row groups of a part, with the ids of each."""
    with reading(path), part_file(path) as part:
        for group in range(part.num_row_groups):
            yield group, part.read_row_group(group, columns=[_ID])[_ID].to_numpy()


def _firsts(ids: Ids, wanted: Ids) -> Ids:
    """The rows of ``ids`` with one of ``wanted``, the first of each."""
    unique, rows = np.unique(ids, return_index=True)
    firsts: Ids = rows[np.isin(unique, wanted)].astype(np.int64)
    return firsts


def _pictures(part: pq.ParquetFile, group: int, rows: NDArray[np.int32]) -> list[bytes | None]:
    """The pictures in those rows of a row group; parts of the first schemas have none."""
    if _PICTURE not in part.schema_arrow.names:
        return [None] * len(rows)
    column = part.read_row_group(group, columns=[_PICTURE])[_PICTURE]
    taken: list[bytes | None] = column.take(pa.array(rows)).to_pylist()
    return taken
