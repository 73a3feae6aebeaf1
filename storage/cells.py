"""Cells: vectors in an encoder's own space, one part a shard, with a record of what is done."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from itertools import chain
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from storage.columns import in_order, late_fields, widened
from storage.errors import IdCollisionError
from storage.formats import Compression
from storage.records import RECORD, PartRecord, read_record, record_text, records_in
from storage.schemas import DESCRIPTIONS, LENGTH_TOLERANCE, dtype_of, embeddings_schema
from storage.tables import read_parts, vectors_of, write_part

IDENTITY: Final = ("content_id", "source", "segmentation", "start", "end", "unit", "box")
"""What a segment's id is a hash of."""


def part_path(folder: Path, shard_name: str) -> Path:
    """Where the part of a shard lies."""
    return folder / f"part-{shard_name}.parquet"


def write_cells(
    path: Path, cells: pa.Table, record: PartRecord, *, compression: Compression = "none"
) -> Path:
    """Write a shard's cells (``schemas.embeddings_schema``) and return where they are.

    A part is never changed, since a published snapshot may name it: one with an equal record is
    kept, and beside one with another (a decoder changed) the new part gets the next free name.
    Cells without thumbnails may lack that column. Raises ValueError for rows that are not finite
    and of unit length, for a segment that comes twice, and for a cell whose content is not in
    ``record.done``.
    """
    kind = cells.schema.field("vector").type
    schema = embeddings_schema(kind.list_size, dtype_of(kind))
    names, late = in_order(cells.column_names, schema, 0), late_fields(schema, 0)
    checked = widened(cells, names, late, cells.num_rows).cast(schema)
    _check(checked, record)
    path = free_path(path, record)
    if path.exists():
        return path
    return write_part(path, checked, {RECORD: record_text(record)}, compression=compression)


def free_path(path: Path, record: PartRecord) -> Path:
    """``path``, or the next free name beside it where parts with other records are."""
    while path.exists() and record_text(read_record(path)) != record_text(record):
        path = path.with_name(f"{path.stem}+.parquet")
    return path


def finished_contents(folder: Path, decoders: Collection[str], reader: str = "") -> set[str]:
    """The contents that need no more work, by the parts in ``folder``, published or not.

    Of the parts of ``reader``, where it is named: of what it read.
    A content that was only ever refused, and by none of ``decoders`` (the versions in use now),
    is not finished: a newer decoder may read it.
    """
    finished: set[str] = set()
    for record in records_in(folder).values():
        if record.reader != reader:
            continue
        finished |= record.clean()
        finished |= _refused(record, decoders)
    return finished


def live_parts(
    folder: Path,
    live: Set[str],
    decoders: Collection[str] = (),
    readers: Iterable[str] = ("",),
    serving: Set[Path] = frozenset(),
) -> dict[Path, PartRecord]:
    """Parts in ``folder`` that cover the contents ``live``, in the order of their names.

    Those ``serving`` alone, where they cover what all do: no other is named without need, as when
    a compacted snapshot was rolled back. Else those with most of them first, and of equal ones
    those with less that is dead, each only if it adds something, so that a compacted part stands
    for those it was made of. A content is covered by a part that has it whole, or else by one in
    which one of ``decoders`` (the versions in use now) refused it, or else by as many as there are
    different tries. Each of ``readers`` covers the contents anew; "" stands for what is read of
    them as they are.
    """
    records = records_in(folder)
    chosen = set[Path]()
    for reader in readers:
        of_it = {path: record for path, record in records.items() if record.reader == reader}
        chosen |= _covering(of_it, live, decoders, serving)
    return {path: record for path, record in records.items() if path in chosen}


def _covering(
    records: Mapping[Path, PartRecord],
    live: Set[str],
    decoders: Collection[str],
    serving: Set[Path],
) -> set[Path]:
    said = {path: record.only(live) for path, record in records.items()}
    whole = {content for record in said.values() for content in record.clean()}
    settled = whole.union(*(_refused(record, decoders) for record in said.values()))

    def adds(record: PartRecord) -> set[tuple[str, ...]]:
        clear = record.clean() | (_refused(record, decoders) - whole)
        return {(c,) for c in clear} | {t for t in _tries(record) if t[0] not in settled}

    def rank(path: Path) -> tuple[int, int, str]:
        return -len(said[path].contents()), len(records[path].contents()), path.name

    covers = {path: adds(record) for path, record in said.items()}
    mine = [path for path in covers if path in serving]
    there = set().union(*covers.values()) == set().union(*(covers[path] for path in mine))
    covered: set[tuple[str, ...]] = set()
    chosen = set()
    for path in sorted(mine if there else covers, key=rank):
        if covers[path] - covered:
            covered |= covers[path]
            chosen.add(path)
    return chosen


def _refused(record: PartRecord, decoders: Collection[str]) -> set[str]:
    """The contents that one of ``decoders`` refused."""
    return {c for c, by in record.rejected().items() if not by.isdisjoint(decoders)}


def _tries(record: PartRecord) -> Iterator[tuple[str, ...]]:
    """Each content that was refused, whether it is done all the same, and by which decoders."""
    done = set(record.done)
    for content, by in record.rejected().items():
        yield content, "done" if content in done else "open", *sorted(by)


def live_descriptions(parts: Sequence[Path], live: Set[str]) -> pa.Table:
    """``schemas.DESCRIPTIONS`` of the segments of the contents ``live``, each segment once.

    Raises IdCollisionError where two segments have one id.
    """
    wanted = pa.array(sorted(live), pa.string())
    found = [DESCRIPTIONS.empty_table()]
    for path in parts:
        rows = read_parts([path], DESCRIPTIONS.names, like=DESCRIPTIONS)
        found.append(rows.filter(pc.is_in(rows["content_id"], wanted)))
    table = pa.concat_tables(found)
    ids = table["segment_id"].to_numpy()
    _, first, place = np.unique(ids, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[place] != np.arange(len(ids)))
    refuse_collision(table.take(first[place[again]]), table.take(again))
    return table.take(np.sort(first))


def refuse_shared(described: Iterable[pa.Table]) -> None:
    """Raise IdCollisionError where segments of two modalities have one id; a table for each."""
    pairs = [table.select(["segment_id", "content_id"]) for table in described]
    table = pa.concat_tables(pairs) if pairs else DESCRIPTIONS.empty_table()
    ids = table["segment_id"].to_numpy()
    _, first, counts = np.unique(ids, return_index=True, return_counts=True)
    for place in first[counts > 1][:1]:
        contents = table.filter(pc.equal(table["segment_id"], int(ids[place])))["content_id"]
        raise IdCollisionError(int(ids[place]), contents[0].as_py(), contents[1].as_py())


def refuse_collision(one: pa.Table, other: pa.Table) -> None:
    """Raise IdCollisionError where row ``i`` of both, of equal ids, is not the same segment."""
    for column in IDENTITY:
        same = one[column].combine_chunks().equals(other[column].combine_chunks())
        if not same:
            pairs = zip(one.to_pylist(), other.to_pylist(), strict=True)
            row, also = next((a, b) for a, b in pairs if a[column] != b[column])
            raise IdCollisionError(row["segment_id"], row["content_id"], also["content_id"])


def standing_rejections(
    records: Iterable[PartRecord], decoders: Collection[str]
) -> list[Mapping[str, Any]]:
    """The rejections that say why a content has no cells, each content's from one try.

    A content that a record holds as done without a rejection has none. Of several records that
    refused one, the first in which one of ``decoders`` (the versions in use now) did counts, or
    else the first. What one reader says stands beside what another does.
    """
    by_reader: dict[str, list[PartRecord]] = {}
    for record in records:
        by_reader.setdefault(record.reader, []).append(record)
    return [rejection for of in by_reader.values() for rejection in _standing(of, decoders)]


def _standing(records: Sequence[PartRecord], decoders: Collection[str]) -> list[Mapping[str, Any]]:

    def in_use(refused: list[Mapping[str, Any]]) -> bool:
        return any(rejection["decoder"] in decoders for rejection in refused)

    done = {c for record in records for c in set(record.done) - record.rejected().keys()}
    tries: dict[str, dict[int, list[Mapping[str, Any]]]] = {}
    for number, record in enumerate(records):
        for rejection in record.rejections:
            of = tries.setdefault(str(rejection["content_id"]), {})
            of.setdefault(number, []).append(rejection)
    chosen = [max(of.values(), key=in_use) for c, of in tries.items() if c not in done]
    return list(chain.from_iterable(chosen))


def _check(cells: pa.Table, record: PartRecord) -> None:
    lengths = np.linalg.norm(vectors_of(cells), axis=1)
    tolerance = LENGTH_TOLERANCE[dtype_of(cells.schema.field("vector").type)]
    wrong = np.flatnonzero(~(np.abs(lengths - 1) <= tolerance))  # a NaN is wrong too
    if wrong.size:
        raise ValueError(f"row {wrong[0]} has a vector of length {lengths[wrong[0]]}, not 1")
    ids, counts = np.unique(cells["segment_id"].to_numpy(), return_counts=True)
    if np.any(counts > 1):
        raise ValueError(f"segment {ids[counts > 1][0]} comes {counts.max()} times")
    unknown = set(cells["content_id"].unique().to_pylist()) - set(record.done)
    if unknown:
        raise ValueError(f"cells of content {min(unknown)}, which the record does not name")
