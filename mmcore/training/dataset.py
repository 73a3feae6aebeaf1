"""The lake as rows and pairs; the only file of training that reads tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mmcore.specs import FitSpec
from mmcore.training import split
from mmcore.training.rows import Rows
from mmcore.types import EncoderKey, Ids, Vectors
from storage.errors import CorruptLakeError
from storage.schemas import Modality
from storage.snapshot import Snapshot

_COLUMNS = ("segment_id", "item_id", "content_id", "start", "language", "text")
_ORDER = [(name, "ascending") for name in ("item_id", "content_id", "start", "segment_id")]


def lake_rows(
    snapshot: Snapshot,
    modality: Modality,
    *,
    space: Literal["own", "shared"],
    items: Collection[int] | Ids | None = None,
) -> Rows:
    """The live segments of ``modality``, one row for each item that a segment serves.

    Sorted by item, content and place in the content. ``own`` gives the cells, ``shared`` the
    vectors in the space that the modality is searched in (the cells, where no projection joins the
    encoder). With ``items``, only their rows. A modality that the lake does not have has no rows.
    """
    if not snapshot.manifest.paths(f"segments/{modality}/"):
        return Rows.empty(_dim(snapshot, modality, space))
    table = snapshot.rows(f"segments/{modality}", list(_COLUMNS))
    if items is not None:
        wanted = pa.array(np.fromiter(items, dtype=np.int64, count=len(items)))
        table = table.filter(pc.is_in(table["item_id"], wanted))
    table = table.sort_by(_ORDER)
    if space == "own":
        ids, vectors = snapshot.cells(modality)
    else:
        _, ids, vectors = snapshot.vectors(modality)
    segment_ids = table["segment_id"].to_numpy()
    return Rows(
        item_ids=table["item_id"].to_numpy(),
        segment_ids=segment_ids,
        content_ids=tuple(table["content_id"].to_pylist()),
        languages=tuple(table["language"].to_pylist()),
        texts=tuple(table["text"].to_pylist()),
        vectors=_of_segments(snapshot, segment_ids, ids, vectors),
    )


def fit_rows(
    snapshot: Snapshot, keys: Sequence[EncoderKey], spec: FitSpec
) -> tuple[Rows, dict[str, Rows]]:
    """What projections are fitted on, in the encoders' own spaces.

    Returns all texts, and for each other encoder, by its name, the rows of items that may be
    fitted on: those with a text, and none of it held out.
    """
    texts = lake_rows(snapshot, Modality.TEXT, space="own")
    allowed = split.fit_items(texts, spec.held_out)
    media = {
        key.name: lake_rows(snapshot, key.modality, space="own", items=allowed)
        for key in keys
        if key.modality != Modality.TEXT
    }
    return texts, media


def _of_segments(snapshot: Snapshot, wanted: Ids, ids: Ids, vectors: Vectors) -> Vectors:
    """The vector of each wanted segment."""
    order = np.argsort(ids)
    place = np.searchsorted(ids, wanted, sorter=order)
    if len(wanted) and (
        not len(ids) or place.max() == len(ids) or np.any(ids[order[place]] != wanted)
    ):
        raise CorruptLakeError(snapshot.layout.root, "a live segment has no vector")
    found: Vectors = vectors[order[place]]
    return found


def _dim(snapshot: Snapshot, modality: Modality, space: str) -> int:
    manifest = snapshot.manifest
    encoder = manifest.encoder(modality)
    if encoder is None:
        return 0
    if space == "shared" and manifest.projection is not None and manifest.joins(encoder):
        return manifest.projection.dim
    return encoder.dim
