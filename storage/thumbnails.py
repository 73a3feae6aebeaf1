"""Small pictures of segments: they lie beside their cells (docs/decisions/0016)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from storage.parquet import part_file
from storage.schemas import Modality
from storage.snapshot import Snapshot
from storage.tables import reading

Ids = NDArray[np.int64]

_SEEN: Final = (Modality.IMAGE, Modality.VIDEO)
_ID: Final = "segment_id"
_PICTURE: Final = "thumbnail"


def thumbnails(snapshot: Snapshot, segment_ids: Iterable[int]) -> dict[int, bytes]:
    """The thumbnails, as JPEG, of those of the segments that are live and have one, by id.

    Of the parts that hold them only ids are read, and the pictures of their row groups. Raises
    CorruptLakeError for a part that cannot be read.
    """
    wanted = np.unique(np.fromiter(segment_ids, dtype=np.int64))
    found: dict[int, bytes] = {}
    for modality in _SEEN:
        live = np.intersect1d(wanted, np.unique(snapshot.pairs(modality)[1]))
        for path in _parts(snapshot, modality) if len(live) else ():
            seen = _of_part(path, live)
            found |= {i: picture for i, picture in seen.items() if picture is not None}
            live = np.setdiff1d(live, np.fromiter(seen, dtype=np.int64))  # the first part counts
            if not len(live):
                break
    return found


def _parts(snapshot: Snapshot, modality: Modality) -> Iterator[Path]:
    """The parts of a modality's cells, in the order that counts."""
    encoder, layout = snapshot.manifest.encoder(modality), snapshot.layout
    if encoder is None:
        return
    folder = layout.embeddings(
        modality, encoder.name, encoder.fingerprint, snapshot.manifest.dtype
    )
    yield from (layout.root / path for path in snapshot.manifest.paths(layout.relative(folder)))


def _of_part(path: Path, wanted: Ids) -> dict[int, bytes | None]:
    """Those of the ``wanted`` that a part has, with their pictures."""
    found: dict[int, bytes | None] = {}
    with reading(path), part_file(path) as part:
        for group in range(part.num_row_groups):
            ids = part.read_row_group(group, columns=[_ID])[_ID].to_numpy()
            places = np.flatnonzero(np.isin(ids, wanted))
            if len(places):
                pictures = _pictures(part, group, places)
                found |= dict(zip(ids[places].tolist(), pictures, strict=True))
    return found


def _pictures(part: pq.ParquetFile, group: int, places: NDArray[np.intp]) -> list[bytes | None]:
    """The pictures in those rows of a row group; parts of the first schemas have none."""
    if _PICTURE not in part.schema_arrow.names:
        return [None] * len(places)
    column = part.read_row_group(group, columns=[_PICTURE])[_PICTURE]
    taken: list[bytes | None] = column.take(pa.array(places)).to_pylist()
    return taken
