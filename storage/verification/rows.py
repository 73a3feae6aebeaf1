"""Checks of a snapshot's rows: ids, descriptions, and a vector wherever there must be one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from storage import schemas
from storage.cells import IDENTITY
from storage.columns import comparable
from storage.manifest import EncoderEntry
from storage.schemas import MODALITIES, Modality
from storage.snapshot import Snapshot
from storage.tables import vectors_of
from storage.verification.findings import (
    Finding,
    Ids,
    live_ids,
    parts_of,
    places_of,
    stream_checked,
    told_by,
    unit_findings,
    whole_table,
)


def item_findings(snapshot: Snapshot) -> Iterator[Finding]:
    """Each item has one id and one row, and files and segments belong to items."""
    items = whole_table(snapshot, "items", ["item_id", "root", "key"])
    ids, counts = np.unique(items["item_id"].to_numpy(), return_counts=True)
    if len(twice := ids[counts > 1]):
        rows = items.filter(pc.equal(items["item_id"], int(twice[0])))
        keys = " and ".join(sorted(set(rows["key"].to_pylist())))
        yield Finding("items", f"ids that stand twice: {len(twice)}, first {twice[0]} for {keys}")
    for table in ("item_files", *(f"segments/{modality}" for modality in MODALITIES)):
        of = np.unique(whole_table(snapshot, table, ["item_id"])["item_id"].to_numpy())
        if len(lost := np.setdiff1d(of, ids, assume_unique=True)):
            yield Finding(table, f"has rows of items that are none: {len(lost)}, first {lost[0]}")


def query_findings(snapshot: Snapshot) -> Iterator[Finding]:
    """Frozen queries stand once in a direction, and are asked with contents of the lake."""
    rows = whole_table(snapshot, "queries", ["direction", "content_id"])
    distinct = rows.group_by(rows.column_names).aggregate([])
    if twice := rows.num_rows - distinct.num_rows:
        yield Finding("queries", f"rows that stand twice: {twice}")
    there = pc.unique(whole_table(snapshot, "item_files", ["content_id"])["content_id"])
    lost = distinct.filter(pc.invert(pc.is_in(distinct["content_id"], there)))
    if lost.num_rows:
        yield Finding("queries", f"has rows of contents that no item has: {lost.num_rows}")


def word_findings(snapshot: Snapshot) -> Iterator[Finding]:
    """Where there are words, each live text has one row of them, and nothing else has."""
    if not snapshot.manifest.paths("words"):  # of a private lake, or of an older mmindex
        return
    ids = whole_table(snapshot, "words", ["segment_id"])["segment_id"].to_numpy()
    found, counts = np.unique(ids, return_counts=True)
    if len(twice := found[counts > 1]):
        yield Finding("words", f"segments that stand twice: {len(twice)}, first {twice[0]}")
    live = live_ids(snapshot, Modality.TEXT)
    if len(lacking := np.setdiff1d(live, found)):
        yield Finding("words", f"lacks {len(lacking)} of {len(live)} texts, first {lacking[0]}")
    if len(more := np.setdiff1d(found, live)):
        yield Finding("words", f"has rows of no text: {len(more)}, first {more[0]}")


def shared_ids(snapshot: Snapshot) -> Iterator[Finding]:
    """No id stands for segments of two modalities."""
    every = np.concatenate([live_ids(snapshot, modality) for modality in MODALITIES])
    ids, counts = np.unique(every, return_counts=True)
    if len(twice := ids[counts > 1]):
        yield Finding("segments", f"ids in two modalities: {len(twice)}, first {twice[0]}")


def described(snapshot: Snapshot, modality: Modality) -> Iterator[Finding]:
    """A segment's id stands for one description, in the rows and in the cells."""
    known = _descriptions(snapshot, modality)
    live, first, counts = np.unique(
        known["segment_id"].to_numpy(), return_index=True, return_counts=True
    )
    if len(twice := live[counts > 1]):
        yield Finding(
            f"segments/{modality}", f"ids with two descriptions: {len(twice)}, first {twice[0]}"
        )
    known = known.take(first)
    for encoder in _encoders(snapshot, modality) if len(live) else ():
        schema = schemas.embeddings_schema(encoder.dim, snapshot.manifest.dtype)
        for path in parts_of(snapshot, _own(snapshot, encoder)):
            yield from told_by(snapshot.layout, _cells_described(snapshot, path, schema, known))


def _descriptions(snapshot: Snapshot, modality: Modality) -> pa.Table:
    """Ids and what they stand for, each pair once, by id."""
    rows = comparable(whole_table(snapshot, f"segments/{modality}", ["segment_id", *IDENTITY]))
    distinct = rows.group_by(rows.column_names).aggregate([])
    return distinct.sort_by("segment_id").combine_chunks()


def _encoders(snapshot: Snapshot, modality: Modality) -> list[EncoderEntry]:
    """The encoders of a modality: of texts, one for each tower."""
    return [encoder for encoder in snapshot.manifest.encoders if encoder.modality == modality]


def _own(snapshot: Snapshot, encoder: EncoderEntry) -> Path:
    return snapshot.layout.embeddings(
        encoder.modality, encoder.name, encoder.fingerprint, snapshot.manifest.dtype
    )


def _cells_described(
    snapshot: Snapshot, path: Path, schema: pa.Schema, known: pa.Table
) -> Iterator[Finding]:
    live = known["segment_id"].to_numpy()
    for table in stream_checked(path, schema, ["segment_id", *IDENTITY]):
        at, mine = places_of(live, table["segment_id"].to_numpy())
        other = _differing(comparable(table.filter(pa.array(mine))), known.take(at[mine]))
        if other.any():
            why = f"{other.sum()} cells have another description than their segments"
            yield Finding(
                snapshot.layout.relative(path), f"{why}, first {live[at[mine][other][0]]}"
            )


def _differing(one: pa.Table, other: pa.Table) -> NDArray[np.bool_]:
    """(n,) which ``comparable`` rows differ in what an id stands for; nulls are equal."""
    differs = np.zeros(one.num_rows, dtype=bool)
    for name in other.column_names:
        equal = pc.fill_null(pc.equal(one[name], other[name]), False)
        nulls = pc.and_(pc.is_null(one[name]), pc.is_null(other[name]))
        differs |= ~pc.or_(equal, nulls).to_numpy().astype(bool)
    return differs


def vector_findings(snapshot: Snapshot, modality: Modality) -> Iterator[Finding]:
    """Every live segment has a unit vector of each encoder and, where joined, in the shared space.

    Of each encoder of the modality, that is: of each text tower.
    """
    live, encoders = live_ids(snapshot, modality), _encoders(snapshot, modality)
    if not len(live):
        return
    if not encoders:
        yield Finding(f"segments/{modality}", f"segments without an encoder: {len(live)}")
    for encoder in encoders:
        yield from _vectors_of(snapshot, encoder, live)


def _vectors_of(snapshot: Snapshot, encoder: EncoderEntry, live: Ids) -> Iterator[Finding]:
    dtype = snapshot.manifest.dtype
    own = schemas.embeddings_schema(encoder.dim, dtype)
    yield from _covered(snapshot, _own(snapshot, encoder), own, live)
    projection = snapshot.manifest.projection
    if projection is not None and snapshot.manifest.joins(encoder):
        shared = schemas.projected_schema(projection.dim, dtype)
        yield from _covered(
            snapshot,
            snapshot.layout.space(projection.space, encoder.modality, dtype),
            shared,
            live,
        )


def _covered(snapshot: Snapshot, folder: Path, schema: pa.Schema, live: Ids) -> Iterator[Finding]:
    have = np.zeros(len(live), dtype=bool)
    for path in parts_of(snapshot, folder):
        yield from told_by(snapshot.layout, _part(snapshot, path, schema, live, have))
    if lacking := np.count_nonzero(~have):
        place = snapshot.layout.relative(folder)
        yield Finding(place, f"lacks the vectors of {lacking} of {len(live)} live segments")


def _part(
    snapshot: Snapshot, path: Path, schema: pa.Schema, live: Ids, have: NDArray[np.bool_]
) -> Iterator[Finding]:
    """What is wrong with the live vectors of a part; marks in ``have`` those that are there.

    That another part holds a segment too is no fault: the first by name counts.
    """
    name, places = snapshot.layout.relative(path), []
    for table in stream_checked(path, schema, ["segment_id", "vector"]):
        at, mine = places_of(live, table["segment_id"].to_numpy())
        places.append(at[mine])
        have[at[mine]] = True
        vectors = vectors_of(table)[mine]
        yield from unit_findings(name, live[at[mine]], vectors, snapshot.manifest.dtype)
    found, counts = np.unique(np.concatenate(places), return_counts=True)
    if len(twice := found[counts > 1]):
        yield Finding(
            name, f"segments that stand in it twice: {len(twice)}, first {live[twice[0]]}"
        )


def fused_findings(snapshot: Snapshot) -> Iterator[Finding]:
    """Exactly the items that have a vector in the fusion's space have one fused vector."""
    fusion = snapshot.manifest.fusion
    if fusion is None:
        return
    dtype = snapshot.manifest.dtype
    folder = snapshot.layout.fused(fusion.space, fusion.fingerprint, dtype)
    place, schema = snapshot.layout.relative(folder), schemas.fused_schema(fusion.dim, dtype)
    for path in parts_of(snapshot, folder):
        for table in stream_checked(path, schema, ["item_id", "vector"]):
            ids = table["item_id"].to_numpy()
            name = snapshot.layout.relative(path)
            yield from unit_findings(name, ids, vectors_of(table), dtype)
    ids, counts = np.unique(fused_ids(snapshot), return_counts=True)
    if len(twice := ids[counts > 1]):
        yield Finding(place, f"items with two fused vectors: {len(twice)}, first {twice[0]}")
    wanted = _fusible(snapshot, snapshot.manifest.fused_of)
    if len(lacking := np.setdiff1d(wanted, ids)):
        yield Finding(place, f"lacks {len(lacking)} of {len(wanted)} items, first {lacking[0]}")
    if len(more := np.setdiff1d(ids, wanted)):
        yield Finding(place, f"has items without vectors: {len(more)}, first {more[0]}")


def fused_ids(snapshot: Snapshot) -> Ids:
    """The live items that have a fused vector, as often as they have one."""
    fusion, found = snapshot.manifest.fusion, [np.empty(0, dtype=np.int64)]
    if fusion is not None:
        dtype = snapshot.manifest.dtype
        schema = schemas.fused_schema(fusion.dim, dtype)
        folder = snapshot.layout.fused(fusion.space, fusion.fingerprint, dtype)
        for path in parts_of(snapshot, folder):
            found += [t["item_id"].to_numpy() for t in stream_checked(path, schema, ["item_id"])]
    ids = np.concatenate(found)
    return ids[np.isin(ids, whole_table(snapshot, "items", ["item_id"])["item_id"].to_numpy())]


def _fusible(snapshot: Snapshot, space: str) -> Ids:
    """The items with a segment that is searched in ``space``."""
    of = [
        whole_table(snapshot, f"segments/{modality}", ["item_id"])["item_id"].to_numpy()
        for modality in MODALITIES
        if snapshot.space(modality) == space
    ]
    ids: Ids = np.unique(np.concatenate([np.empty(0, dtype=np.int64), *of]))
    return ids
