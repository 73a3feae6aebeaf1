"""Which published parts of cells are rewritten, and what the new parts hold.

A content's cells end up in one new part, with all that is recorded of it, so that a part which
says that a content is done always has its cells.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pyarrow.compute as pc

from storage.cells import standing_rejections
from storage.manifest import FileEntry
from storage.parquet import schema_of
from storage.records import PartRecord, read_record
from storage.rewrite import carried
from storage.schemas import digest, dtype_of
from storage.tables import reading, stream_part

_CONTENT_BYTES: Final = 64  # of a content in a record, about
_NUMBER_BYTES: Final = {"float32": 4, "float16": 2}


@dataclass(frozen=True, slots=True)
class Aims:
    """When a part is rewritten: it is small, or more than ``dead_share`` of its rows are dead."""

    dead_share: float = 0.5
    part_bytes: int = 64 << 20  # of vectors, which a new part has at most; small: half of them

    def __post_init__(self) -> None:
        if not 0 <= self.dead_share <= 1 or self.part_bytes < 1:
            raise ValueError(f"cannot aim at {self.dead_share} dead rows, {self.part_bytes} bytes")


@dataclass(frozen=True, slots=True)
class Part:
    """A published part; ``record`` says what it holds of the live contents."""

    path: Path
    file: FileEntry
    record: PartRecord
    kind: str  # parts of another kind are never merged with it: computed or stored otherwise
    row_bytes: int  # of a vector
    cells: Mapping[str, int] = field(repr=False)  # live content → rows
    dead_contents: int = 0  # that its own record names

    @property
    def dead_rows(self) -> int:
        """How many of its rows are cells of no live content."""
        return self.file.rows - sum(self.cells.values())

    def weight(self, contents: Iterable[str]) -> int:
        """The bytes of ``contents`` in it, about: of their vectors, and of what is recorded."""
        return sum(self.cells.get(c, 0) * self.row_bytes + _CONTENT_BYTES for c in contents)


@dataclass(frozen=True, slots=True)
class Merge:
    """A part to write; with an empty record, none."""

    parts: tuple[Part, ...]  # these go out of the snapshot
    sources: tuple[Part, ...]  # these hold the cells, in the order that counts
    record: PartRecord


def survey_part(path: Path, file: FileEntry, live: Set[str]) -> Part:
    """Read what a published part holds of the contents ``live``: its footer, and one column."""
    with reading(path):
        vector = schema_of(path).field("vector").type
    record = read_record(path)
    return Part(
        path=path,
        file=file,
        record=record.only(live),
        kind=digest([dict(record.compute), carried(path)]),
        row_bytes=vector.list_size * _NUMBER_BYTES[dtype_of(vector)],
        cells=_cells(path, live),
        dead_contents=len(record.contents() - live),
    )


def _cells(path: Path, live: Set[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for rows in stream_part(path, ["content_id"]):
        for one in pc.value_counts(rows["content_id"]).to_pylist():
            if (content := one["values"]) in live:
                found[content] = found.get(content, 0) + one["counts"]
    return found


def merges(parts: Sequence[Part], aims: Aims, decoders: Collection[str]) -> list[Merge]:
    """What is to be written for the ``parts`` of one folder, given in the order of their names.

    Parts of two readers have nothing to do with each other. Small and mostly dead parts are
    rewritten, and those that hold cells of one content. Parts of two kinds that do are left as
    they are. Of the rejections of a content those of ``decoders`` stand, as in
    ``cells.standing_rejections``.
    """
    readers = sorted({part.record.reader for part in parts})
    of_each = ([part for part in parts if part.record.reader == one] for one in readers)
    return [merge for of in of_each for merge in _of_one_reader(of, aims, decoders)]


def _of_one_reader(parts: Sequence[Part], aims: Aims, decoders: Collection[str]) -> list[Merge]:
    together = _together(parts)
    clean = {content for part in parts for content in part.record.clean()}
    groups: dict[str, list[int]] = {}
    for place, part in enumerate(parts):
        of_one_kind = len({parts[other].kind for other in together[place]}) == 1
        small = 2 * part.weight(part.record.contents()) < aims.part_bytes
        if of_one_kind and (small or _is_urgent(part, together[place], aims)):
            groups.setdefault(part.kind, []).append(place)
    found: list[Merge] = []
    for group in groups.values():
        found += _merges(parts, group, together, aims, _Said.by(parts, group, clean, decoders))
    return found


def _together(parts: Sequence[Part]) -> list[set[int]]:
    """For each part the places of those that hold cells of one content with it, itself too."""
    owners: dict[str, int] = {}
    together = [{place} for place in range(len(parts))]
    for place, part in enumerate(parts):
        for content in part.cells:
            owner = owners.setdefault(content, place)
            if place not in together[owner]:
                all_of_them = together[owner] | together[place]
                for other in all_of_them:
                    together[other] = all_of_them
    return together


def _is_urgent(part: Part, together: Set[int], aims: Aims) -> bool:
    """Whether a part is rewritten also where there is none to merge it with."""
    named = part.dead_contents > 0 and aims.dead_share == 0  # without rows: refused, or empty
    return len(together) > 1 or named or part.dead_rows > aims.dead_share * part.file.rows


@dataclass(frozen=True, slots=True)
class _Said:
    """What the parts of a group say of the live contents, each content at home in one of them."""

    homes: Mapping[int, Set[str]]  # place of a part → contents
    done: Set[str]
    rejections: Mapping[str, Sequence[Mapping[str, Any]]]
    truncated: Mapping[str, int]

    @classmethod
    def by(
        cls,
        parts: Sequence[Part],
        group: Sequence[int],
        clean: Set[str],
        decoders: Collection[str],
    ) -> _Said:
        """A content is at home where its cells are, or else where it is done, or was refused.

        One that was refused here and is in the record of another part as ``clean`` is nowhere.
        """
        records = [parts[place].record for place in group]
        homes: dict[str, int] = {}
        held = [(place, parts[place].cells) for place in group]
        done = [(place, parts[place].record.clean()) for place in group]
        refused = [(place, parts[place].record.contents() - clean) for place in group]
        for place, contents in [*held, *done, *refused]:
            for content in contents:
                homes.setdefault(content, place)
        at: dict[int, set[str]] = {place: set() for place in group}
        for content, place in homes.items():
            at[place].add(content)
        rejections: dict[str, list[Mapping[str, Any]]] = {}
        for rejection in standing_rejections(records, decoders):
            rejections.setdefault(str(rejection["content_id"]), []).append(rejection)
        done_of_all = {content for record in records for content in record.done}
        truncated = {c: count for record in records for c, count in record.truncated.items()}
        return cls(at, done_of_all, rejections, truncated)

    def record(self, contents: Set[str], like: PartRecord) -> PartRecord:
        """What is said of ``contents``, computed and read as in ``like``."""
        refused = sorted(contents & self.rejections.keys())
        return PartRecord(
            tuple(sorted(contents & self.done)),
            tuple(rejection for content in refused for rejection in self.rejections[content]),
            like.compute,
            like.reader,
            {c: count for c, count in self.truncated.items() if c in contents},
        )


def _merges(
    parts: Sequence[Part],
    group: Sequence[int],
    together: Sequence[Set[int]],
    aims: Aims,
    said: _Said,
) -> Iterator[Merge]:
    """The merges of parts of one kind."""
    weights = {place: parts[place].weight(said.homes[place]) for place in group}
    for packed in _packed(weights, aims.part_bytes):
        if len(packed) == 1 and not _is_urgent(parts[packed[0]], together[packed[0]], aims):
            continue
        contents = set[str]().union(*(said.homes[place] for place in packed))
        sources = sorted(set[int]().union(*(together[place] for place in packed)))
        yield Merge(
            parts=tuple(parts[place] for place in packed),
            sources=tuple(parts[place] for place in sources),
            record=said.record(contents, parts[packed[0]].record),
        )


def _packed(weights: Mapping[int, int], most: int) -> Iterator[list[int]]:
    """Small parts together up to ``most``, the others alone.

    Every pack but the last is no small part then: what did not fit was less than half.
    """
    pack: list[int] = []
    size = 0
    for place, weight in weights.items():
        if 2 * weight >= most:
            yield [place]
            continue
        if size + weight > most:
            yield pack
            pack, size = [], 0
        pack.append(place)
        size += weight
    if pack:
        yield pack
