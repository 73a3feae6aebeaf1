"""Cells: vectors in an encoder's own space, one part a shard, with a record of what is done."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from storage.errors import CorruptLakeError
from storage.schemas import embeddings_schema
from storage.tables import part_metadata, vectors_of, write_part

_KEY: Final = "mmindex.record"


@dataclass(frozen=True, slots=True)
class PartRecord:
    """What a part's shard came to; stands in its footer.

    ``done`` names the contents, with or without cells. A rejection has the keys root, path,
    content_id, source, start, end, unit, stage, reason, message and decoder.
    """

    done: tuple[str, ...]
    rejections: tuple[Mapping[str, Any], ...] = ()
    compute: Mapping[str, str] = field(default_factory=dict)  # dtype and device used

    def rejected(self) -> dict[str, set[str]]:
        """Content → the decoders that refused it."""
        found: dict[str, set[str]] = {}
        for rejection in self.rejections:
            found.setdefault(str(rejection["content_id"]), set()).add(str(rejection["decoder"]))
        return found


def part_path(folder: Path, shard_name: str) -> Path:
    """Where the part of a shard lies."""
    return folder / f"part-{shard_name}.parquet"


def write_cells(path: Path, cells: pa.Table, record: PartRecord) -> Path:
    """Write a shard's cells (``schemas.embeddings_schema(dim)``) and return where they are.

    A part is never changed, since a published snapshot may name it: one with an equal record is
    kept, and beside one with another (a decoder changed) the new part gets the next free name.
    Raises ValueError for rows that are not finite and of unit length, for a segment that comes
    twice, and for a cell whose content is not in ``record.done``.
    """
    dim = cells.schema.field("vector").type.list_size
    checked = cells.cast(embeddings_schema(dim))
    _check(checked, record)
    while path.exists():
        if _text(read_record(path)) == _text(record):
            return path
        path = path.with_name(f"{path.stem}+.parquet")
    return write_part(path, checked, {_KEY: _text(record)})


def read_record(path: Path) -> PartRecord:
    """The record of a part; reads its footer only."""
    try:
        stored = json.loads(part_metadata(path)[_KEY])
        return PartRecord(tuple(stored["done"]), tuple(stored["rejections"]), stored["compute"])
    except (KeyError, TypeError, ValueError) as error:
        raise CorruptLakeError(path, f"has no record of what is done ({error})") from error


def finished_contents(folder: Path, decoders: Collection[str]) -> set[str]:
    """The contents that need no more work, by the parts in ``folder``, published or not.

    A content that was only ever refused, and by none of ``decoders`` (the versions in use now),
    is not finished: a newer decoder may read it.
    """
    finished: set[str] = set()
    for path in sorted(folder.glob("part-*.parquet")):
        record = read_record(path)
        rejected = record.rejected()
        finished.update(content for content in record.done if content not in rejected)
        finished.update(c for c, refused_by in rejected.items() if refused_by & set(decoders))
    return finished


def standing_rejections(records: Iterable[PartRecord]) -> list[Mapping[str, Any]]:
    """The rejections of contents that no record holds as done without one."""
    records = list(records)
    done = {c for record in records for c in set(record.done) - record.rejected().keys()}
    return [r for record in records for r in record.rejections if r["content_id"] not in done]


def _text(record: PartRecord) -> str:
    return json.dumps(asdict(record), sort_keys=True)  # ASCII: paths may hold surrogates


def _check(cells: pa.Table, record: PartRecord) -> None:
    lengths = np.linalg.norm(vectors_of(cells), axis=1)
    wrong = np.flatnonzero(~(np.abs(lengths - 1) <= 1e-3))  # a NaN is wrong too  # noqa: PLR2004
    if wrong.size:
        raise ValueError(f"row {wrong[0]} has a vector of length {lengths[wrong[0]]}, not 1")
    ids, counts = np.unique(cells["segment_id"].to_numpy(), return_counts=True)
    if np.any(counts > 1):
        raise ValueError(f"segment {ids[counts > 1][0]} comes {counts.max()} times")
    unknown = set(cells["content_id"].unique().to_pylist()) - set(record.done)
    if unknown:
        raise ValueError(f"cells of content {min(unknown)}, which the record does not name")
