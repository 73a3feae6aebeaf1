"""Embed a prepared shard on a device, and write its part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from prefect import task

from mmcore.embedding.embed import embed
from mmcore.embedding.embedding import Work
from mmcore.media.prepared import Prepared
from mmcore.memory import give_back
from mmcore.privacy import untold
from mmcore.rows import record_of
from mmcore.types import EncoderKey, Vectors
from storage import cells, schemas, tables
from storage.records import PartRecord
from storage.schemas import Dtype
from tasks.discretion import discreet
from tasks.policies import POLICY
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


@task(
    name="embed",
    task_run_name="embed-{prepared.shard.encoder.modality}-{prepared.shard.name}",
    **POLICY,
)
@discreet
def embed_shard(prepared: Prepared, work: Workplace) -> Embedded:
    """Embed one prepared shard into its part, then empty its staging."""
    key = prepared.shard.encoder
    path = cells.part_path(work.cells_of(key), prepared.shard.name)
    found = embed(prepared, work.segmentation, work.runtime)
    dtype, compression = work.storage.dtype, work.storage.compression
    table = _cells(prepared, found.vectors, dtype)
    rejections = prepared.rejections
    if work.private:
        place = table.column_names.index("text")
        nothing = pa.nulls(len(table), pa.string())
        table = table.set_column(place, table.schema.field("text"), nothing)
        rejections = tuple(map(untold, rejections))
    record = PartRecord(
        done=prepared.done,
        rejections=tuple(record_of(r) for r in rejections),
        compute=_kind(found.compute),
        reader=prepared.shard.reader,
        truncated=dict(found.truncated),
    )
    written = cells.write_cells(path, table, record, compression=compression)
    prepared.discard()
    give_back()
    return Embedded(
        encoder=key,
        part=written,
        contents=len(prepared.shard.contents),
        segments=prepared.count,
        rejected=len(record.rejections),
        work=found.work,
    )


def _kind(compute: Mapping[str, str]) -> dict[str, str]:
    """Without the number of a GPU: cells of equal ones are alike, and may share a part."""
    return {**compute, "device": compute["device"].partition(":")[0]}


def _cells(prepared: Prepared, vectors: Vectors, dtype: Dtype) -> pa.Table:
    """``schemas.embeddings_schema``: descriptions, thumbnails, vectors."""
    schema = schemas.embeddings_schema(prepared.shard.encoder.dim, dtype)
    thumbnails = pa.array(prepared.thumbnails(), pa.binary())
    table = prepared.segments().append_column(schema.field("thumbnail"), thumbnails)
    return table.append_column(schema.field("vector"), tables.vector_column(vectors, dtype))
