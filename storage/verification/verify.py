"""Verify a snapshot: read all of it and say everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from storage.errors import CorruptLakeError
from storage.indexes.card import CARD, CODES, read_card
from storage.layout import Layout
from storage.manifest import FileEntry, IndexEntry, Manifest, sha256
from storage.places.place import SizeOf, sizes
from storage.schemas import FUSED, MODALITIES, Modality
from storage.snapshot import TABLES, Snapshot
from storage.tables import part_rows
from storage.verification.beside import beside_findings
from storage.verification.findings import (
    Finding,
    Ids,
    live_ids,
    stream_checked,
    told_by,
)
from storage.verification.rows import (
    described,
    fused_findings,
    fused_ids,
    item_findings,
    query_findings,
    shared_ids,
    vector_findings,
    word_findings,
)
from storage.verification.views import is_served, view_findings


@dataclass(frozen=True, slots=True)
class Verification:
    """What was read of a snapshot, and all that is wrong with it."""

    number: int | None
    files: int
    bytes: int
    findings: tuple[Finding, ...]


def verify(layout: Layout, manifest: Manifest) -> Verification:
    """Check every file, row count, id, vector and index that ``manifest`` names; raises nothing.

    Vectors are read by row group, indexes and the ids of a modality whole. Of a file that is not
    what the manifest says, that is the one finding: what follows from it is not told again.
    """
    snapshot = Snapshot(layout, manifest)
    size_of = sizes(layout.root, (file.path for file in manifest.files))
    files = [_file_findings(layout.root / file.path, file, size_of) for file in manifest.files]
    found = dict.fromkeys(chain.from_iterable(files))
    damaged = {finding.path for finding in found}
    checks = [
        *(_schema(snapshot, table, path) for table in TABLES for path in manifest.paths(table)),
        item_findings(snapshot),
        query_findings(snapshot),
        word_findings(snapshot),
        shared_ids(snapshot),
        *(described(snapshot, modality) for modality in MODALITIES),
        *(vector_findings(snapshot, modality) for modality in MODALITIES),
        fused_findings(snapshot),
        *(_index(snapshot, entry) for entry in manifest.indexes),
        view_findings(snapshot),
        *([beside_findings(layout)] if is_served(snapshot) else []),
    ]
    for check in checks:
        told = told_by(layout, check)
        found |= dict.fromkeys(finding for finding in told if finding.path not in damaged)
    checked = sum(file.bytes for file in manifest.files if file.path not in damaged)
    return Verification(
        manifest.number, len(manifest.files), checked, tuple(sorted(found, key=_place))
    )


def _place(finding: Finding) -> tuple[str, str]:
    return finding.path, finding.why


def _file_findings(path: Path, file: FileEntry, size_of: SizeOf) -> Iterator[Finding]:
    """What is wrong with a file: the first of missing, size, checksum, rows."""
    try:
        size = size_of(file.path)
        if size is None:
            yield Finding(file.path, "is missing")
        elif size != file.bytes:
            yield Finding(file.path, f"has {size} bytes, not {file.bytes}")
        elif sha256(path) != file.sha256:
            yield Finding(file.path, "has another checksum")
        elif path.suffix == ".parquet" and (rows := part_rows(path)) != file.rows:
            yield Finding(file.path, f"has {rows} rows, not {file.rows}")
    except CorruptLakeError as error:
        yield Finding(file.path, error.why)
    except OSError as error:
        yield Finding(file.path, f"cannot be read ({error.strerror or error})")


def _schema(snapshot: Snapshot, table: str, path: str) -> Iterator[Finding]:
    """A part of rows has all columns of its table."""
    schema = TABLES[table]
    for _ in stream_checked(snapshot.layout.root / path, schema, schema.names):
        yield from ()


def _index(snapshot: Snapshot, entry: IndexEntry) -> Iterator[Finding]:
    """An index holds the ids of its rows, each once, in the space in which they are searched."""
    named = snapshot.manifest.paths(entry.path)
    for name in _names(snapshot.layout.root / entry.path):
        if f"{entry.path}/{name}" not in named:
            yield Finding(f"{entry.path}/{name}", "is not among the manifest's files")
    if entry.modality not in (*MODALITIES, FUSED):
        yield Finding(entry.path, f"is of the modality {entry.modality}, which there is not")
        return
    held = snapshot.opened(entry).held()
    yield from _compared(entry.path, held, _wanted(snapshot, entry))
    if entry.modality != FUSED:
        spaces = snapshot.spaces(Modality(entry.modality))
        if entry.space not in spaces:
            of = " and ".join(spaces)
            yield Finding(entry.path, f"is of the space {entry.space}, and the rows of {of}")


def _names(folder: Path) -> tuple[str, ...]:
    """The files that an index has: by its card, where that can be read."""
    try:
        return read_card(folder / CARD).names
    except CorruptLakeError:
        return (CODES, CARD)


def _wanted(snapshot: Snapshot, entry: IndexEntry) -> Ids:
    """The ids of the rows that an index stands for."""
    return fused_ids(snapshot) if entry.modality == FUSED else live_ids(snapshot, entry.modality)


def _compared(path: str, held: Ids, wanted: Ids) -> Iterator[Finding]:
    for why, wrong in (
        ("lacks ids of its rows", np.setdiff1d(wanted, held)),
        ("holds ids that are no rows", np.setdiff1d(held, wanted)),
    ):
        if len(wrong):
            yield Finding(path, f"{why}: {len(wrong)}, first {wrong[0]}")
