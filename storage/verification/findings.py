"""Reading a snapshot that may be damaged: what is wrong becomes a finding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from storage.columns import late_fields
from storage.errors import CorruptLakeError, LakeVersionError
from storage.layout import Layout
from storage.parquet import schema_of
from storage.places.place import is_local
from storage.schemas import LENGTH_TOLERANCE, Dtype
from storage.snapshot import TABLES, Snapshot
from storage.tables import known_version, reading, stream_part

Ids = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong; ``path`` is below the lake."""

    path: str
    why: str


def told_by(layout: Layout, check: Iterator[Finding]) -> Iterator[Finding]:
    """The findings of a check; an error that ends it is the last one."""
    try:
        yield from check
    except (CorruptLakeError, LakeVersionError) as error:
        yield Finding(layout.relative(error.path), error.why)
    except OSError as error:
        place = error.filename or str(layout.root)
        if is_local(layout.root) and Path(place).is_relative_to(layout.root):
            place = layout.relative(Path(place))
        yield Finding(place, f"cannot be read ({error.strerror or error})")


def stream_checked(path: Path, schema: pa.Schema, columns: list[str]) -> Iterator[pa.Table]:
    """The row groups of a part whose ``columns`` are as ``schema`` says, or came after it."""
    with reading(path):
        stored = schema_of(path)
    late = late_fields(schema, known_version(path, stored.metadata))
    for name in columns:
        kind = stored.field(name).type if name in stored.names else None
        if kind != schema.field(name).type and (kind is not None or name not in late):
            raise CorruptLakeError(path, f"column {name} is {kind}, not {schema.field(name).type}")
    for table in stream_part(path, columns, like=schema):
        for name in columns:
            if not schema.field(name).nullable and table[name].null_count:
                raise CorruptLakeError(path, f"column {name} has nulls")
        yield table


def whole_table(snapshot: Snapshot, table: str, columns: list[str]) -> pa.Table:
    """``columns`` of a table of rows (``segments/image``), checked as its parts are read."""
    schema = TABLES[table.partition("/")[0]]
    paths = [snapshot.layout.root / path for path in snapshot.manifest.paths(table)]
    parts = [part for path in paths for part in stream_checked(path, schema, columns)]
    wanted = pa.schema([schema.field(name).with_nullable(True) for name in columns])
    return pa.concat_tables([part.cast(wanted) for part in parts] or [wanted.empty_table()])


def live_ids(snapshot: Snapshot, modality: str) -> Ids:
    """The ids of a modality's live segments, sorted, each once."""
    table = whole_table(snapshot, f"segments/{modality}", ["segment_id"])
    ids: Ids = np.unique(table["segment_id"].to_numpy())
    return ids


def parts_of(snapshot: Snapshot, folder: Path) -> list[Path]:
    """The parts below ``folder`` that the manifest names, sorted."""
    named = snapshot.manifest.paths(snapshot.layout.relative(folder))
    return [snapshot.layout.root / path for path in named]


def places_of(live: Ids, ids: Ids) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """The place of each id among the sorted ``live``, and which of them are there."""
    at = np.minimum(np.searchsorted(live, ids), len(live) - 1)
    return at, live[at] == ids


def unit_findings(
    name: str, ids: Ids, vectors: NDArray[np.float32], dtype: Dtype
) -> Iterator[Finding]:
    """Vectors (n, d), stored as ``dtype``, of the rows ``ids`` that are not of length 1."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=1)
    wrong = ~(np.abs(lengths - 1) <= LENGTH_TOLERANCE[dtype])  # a NaN is wrong too
    if wrong.any():
        why = f"{wrong.sum()} vectors are not finite and of length 1"
        yield Finding(name, f"{why}, first that of {ids[wrong][0]}")
