"""Cells: vectors in an encoder's own space, one part a shard, with a record of what is done."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from storage.errors import CorruptLakeError
from storage.schemas import DESCRIPTIONS, embeddings_schema
from storage.tables import part_metadata, read_parts, vectors_of, write_part

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
    for path in _parts(folder):
        record = read_record(path)
        rejected = record.rejected()
        finished.update(content for content in record.done if content not in rejected)
        finished.update(c for c, refused_by in rejected.items() if refused_by & set(decoders))
    return finished


def live_parts(folder: Path, live: Set[str]) -> dict[Path, PartRecord]:
    """The parts in ``folder`` that embedded or refused one of the contents ``live``."""
    records = {path: read_record(path) for path in _parts(folder)}
    return {
        path: record
        for path, record in records.items()
        if not (live.isdisjoint(record.done) and live.isdisjoint(record.rejected()))
    }


def live_descriptions(parts: Sequence[Path], live: Set[str]) -> pa.Table:
    """``schemas.DESCRIPTIONS`` of the segments of the contents ``live``, each segment once."""
    table = read_parts(parts, DESCRIPTIONS.names)
    table = table.filter(pc.is_in(table["content_id"], pa.array(sorted(live), pa.string())))
    numbered = table.append_column("row", pa.array(range(table.num_rows), pa.int64()))
    first = numbered.group_by("segment_id").aggregate([("row", "min")])["row_min"]
    return table.take(first)


def standing_rejections(
    records: Iterable[PartRecord], decoders: Collection[str]
) -> list[Mapping[str, Any]]:
    """The rejections that say why a content has no cells, each content's from one try.

    A content that a record holds as done without a rejection has none. Of several records that
    refused one, the first in which one of ``decoders`` (the versions in use now) did counts, or
    else the first.
    """

    def in_use(refused: list[Mapping[str, Any]]) -> bool:
        return any(rejection["decoder"] in decoders for rejection in refused)

    records = list(records)
    done = {c for record in records for c in set(record.done) - record.rejected().keys()}
    tries: dict[str, dict[int, list[Mapping[str, Any]]]] = {}
    for number, record in enumerate(records):
        for rejection in record.rejections:
            of = tries.setdefault(str(rejection["content_id"]), {})
            of.setdefault(number, []).append(rejection)
    chosen = [max(of.values(), key=in_use) for c, of in tries.items() if c not in done]
    return list(chain.from_iterable(chosen))


def _parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("part-*.parquet"))


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
