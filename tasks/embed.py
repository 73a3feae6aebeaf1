"""Embed a prepared shard on a device, and write its part."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
from prefect import task

from mmcore.embedding.embed import embed
from mmcore.embedding.embedding import Work
from mmcore.media.prepared import Prepared
from mmcore.memory import give_back
from mmcore.privacy import untold
from mmcore.rows import record_of
from mmcore.types import EncoderKey, Rejection, Vectors
from storage import cells, exchange, schemas, tables
from storage.records import PartRecord
from storage.schemas import Dtype
from tasks.discretion import discreet
from tasks.policies import POLICY
from tasks.sight import ME, check_sight
from tasks.workplace import Workplace


@dataclass(frozen=True, slots=True)
class Embedded:
    """A finished shard."""

    encoder: EncoderKey
    part: Path
    contents: int
    segments: int
    rejected: int
    work: Work  # of the device
    staged: Path | None = None  # what the flow has to remove once it has this
    worker: str = ""  # the process that the device is of
    epoch: float = 0.0  # time.time() less time.monotonic() there
    shard: str = ""  # its name


@task(
    name="embed",
    task_run_name="embed-{prepared.shard.encoder.modality}-{prepared.shard.name}",
    **POLICY,
)
@discreet
def embed_shard(prepared: Prepared, work: Workplace) -> Embedded:
    """Embed one prepared shard into its part, then empty its staging.

    On a cluster the flow does that: a worker may die with the result, and the shard be tried
    again.
    """
    check_sight(work.sight)
    with exchange.here(prepared.folder) as folder:
        done = _embedded(replace(prepared, folder=folder), work)
    give_back()
    if work.staging is not None:
        return replace(done, staged=prepared.folder.parent)
    prepared.discard()
    return done


def _embedded(prepared: Prepared, work: Workplace) -> Embedded:
    """Embed a shard that lies on this machine."""
    key = prepared.shard.encoder
    path = cells.part_path(work.cells_of(key), prepared.shard.name)
    found = embed(prepared, work.segmentation, work.runtime)
    table, rejections = _told(prepared, found.vectors, work)
    record = PartRecord(
        done=prepared.done,
        rejections=tuple(record_of(r) for r in rejections),
        compute=_kind(found.compute),
        reader=prepared.shard.reader,
        truncated=dict(found.truncated),
    )
    compression = work.storage.compression
    return Embedded(
        encoder=key,
        part=cells.write_cells(path, table, record, compression=compression),
        contents=len(prepared.shard.contents),
        segments=prepared.count,
        rejected=len(record.rejections),
        work=found.work,
        worker=ME,
        epoch=time.time() - time.monotonic(),
        shard=prepared.shard.name,
    )


def _told(
    prepared: Prepared, vectors: Vectors, work: Workplace
) -> tuple[pa.Table, tuple[Rejection, ...]]:
    """What is written of a shard; of a private one without texts and messages."""
    table = _cells(prepared, vectors, work.storage.dtype)
    if not work.private:
        return table, prepared.rejections
    place = table.column_names.index("text")
    nothing = pa.nulls(len(table), pa.string())
    told = table.set_column(place, table.schema.field("text"), nothing)
    return told, tuple(map(untold, prepared.rejections))


def _kind(compute: Mapping[str, str]) -> dict[str, str]:
    """Without the number of a GPU: cells of equal ones are alike, and may share a part."""
    return {**compute, "device": compute["device"].partition(":")[0]}


def _cells(prepared: Prepared, vectors: Vectors, dtype: Dtype) -> pa.Table:
    """``schemas.embeddings_schema``: descriptions, thumbnails, vectors."""
    schema = schemas.embeddings_schema(prepared.shard.encoder.dim, dtype)
    thumbnails = pa.array(prepared.thumbnails(), pa.binary())
    table = prepared.segments().append_column(schema.field("thumbnail"), thumbnails)
    return table.append_column(schema.field("vector"), tables.vector_column(vectors, dtype))
