"""The lake as rows and pairs of vectors."""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmcore.encoders.projections import Projection
from mmcore.specs import FitSpec
from mmcore.training import split
from mmcore.training.naming import naming_of
from mmcore.training.pairs import Pair, choose, enough, of_pairs
from mmcore.training.refits import recorded, rows_of
from mmcore.training.rows import Rows
from mmcore.types import EncoderKey, Ids, Vectors
from storage.errors import CorruptLakeError
from storage.schemas import Modality, is_caption
from storage.snapshot import Snapshot

_COLUMNS = ("segment_id", "item_id", "content_id", "source", "start", "language", "text")
_ORDER = [(name, "ascending") for name in ("item_id", "content_id", "start", "segment_id")]


def lake_rows(
    snapshot: Snapshot,
    modality: Modality,
    *,
    space: Literal["own", "shared"],
    items: Collection[int] | Ids | None = None,
    tower: str | None = None,
) -> Rows:
    """The live segments of ``modality``, one row for each item that a segment serves.

    Sorted by item, content and place in the content. ``own`` gives the cells, ``shared`` the
    vectors in the space that the modality is searched in (the cells, where no projection joins the
    encoder). With ``items``, only their rows, and vectors of no other are read. A modality that
    the lake does not have has no rows. The encoder is the modality's main one, or the one that is
    searched in the space ``tower``.
    """
    if not snapshot.manifest.paths(f"segments/{modality}/"):
        return Rows.empty(_dim(snapshot, modality, space, tower))
    rows = bare_rows(snapshot, modality, items)
    wanted = None if items is None else np.unique(rows.segment_ids)
    if space == "own":
        ids, vectors = snapshot.cells(modality, wanted, tower)
    else:
        _, ids, vectors = snapshot.vectors(modality, wanted, tower)
    return replace(rows, vectors=_of_segments(snapshot, rows.segment_ids, ids, vectors))


def fit_rows(
    snapshot: Snapshot,
    keys: Sequence[EncoderKey],
    spec: FitSpec,
    previous: Projection | None = None,
    *,
    others: int | None = None,
    frozen_items: Ids = split.NO_ITEMS,
) -> tuple[Rows, dict[str, Rows]]:
    """What the heads of ``keys``, as ``unfitted`` gave them, are fitted on, in their own spaces.

    One that ``previous`` has fitted already, before a model changed, gets the pairs of then, as
    long as enough of them are left.

    Returns all captions, and by encoder name the rows of the pairs that a head is fitted on: of
    items with a caption, and none of it held out. Where there are too few, there are no rows;
    where nothing at all can be fitted, there are no texts either. Vectors are read only of what is
    returned. With ``others``, captions are those that may be fitted on, of the items of these
    pairs and of so many others, by hash: those that ``alignment.gather.world_of`` chooses of all.
    Of ``frozen_items``, which are asked with for ever, nothing is returned at all.
    """
    nothing = Rows.empty(_dim(snapshot, Modality.TEXT, "own"))
    there = [key for key in keys if snapshot.manifest.paths(f"segments/{key.modality}/")]
    if not there:
        return nothing, {}
    texts = bare_rows(snapshot, Modality.TEXT).captions()
    texts = texts.take(~np.isin(texts.item_ids, frozen_items))
    allowed = texts.take(split.fit_rows(texts, spec.held_out))
    named = naming_of(allowed).own
    spaces: defaultdict[str, list[EncoderKey]] = defaultdict(list)
    for key in there:
        if key.modality != Modality.TEXT:
            spaces[key.space].append(key)
    media: dict[str, Rows] = {}
    for of in spaces.values():
        before = recorded(previous, [key.name for key in of])
        media |= _paired(snapshot, of, named, spec, before)
    text = any(key.modality == Modality.TEXT for key in there)
    if media or (text and split.enough_texts(allowed, spec)):
        chosen = texts if others is None else _some(allowed, media, others)
        return _with_cells(snapshot, Modality.TEXT, chosen), media
    return nothing, media


def _some(allowed: Rows, media: Mapping[str, Rows], others: int) -> Rows:
    """The captions of the items of ``media`` and of so many ``others``, by hash."""
    paired = np.unique(
        np.concatenate([np.zeros(0, np.int64), *(r.item_ids for r in media.values())])
    )
    left = np.setdiff1d(allowed.item_ids, paired).tolist()
    chosen = heapq.nsmallest(others, left, key=split.hash_of)
    return allowed.take(np.isin(allowed.item_ids, [*paired.tolist(), *chosen]))


def _paired(
    snapshot: Snapshot,
    keys: Sequence[EncoderKey],
    named: Mapping[int, str],
    spec: FitSpec,
    before: frozenset[str],
) -> dict[str, Rows]:
    """The rows of the pairs of one space's encoders; none where they are too few."""
    rows = [bare_rows(snapshot, key.modality, named.keys()) for key in keys]
    pairs = frozenset(chosen := _chosen(rows, named, spec, before))
    if not enough(chosen, named, spec):
        return {}
    return {
        key.name: _with_cells(snapshot, key.modality, of_pairs(found, pairs))
        for key, found in zip(keys, rows, strict=True)
    }


def _chosen(
    rows: Sequence[Rows], named: Mapping[int, str], spec: FitSpec, before: frozenset[str]
) -> list[Pair]:
    """The pairs of the contents ``before``, or any where too few of those are left."""
    again = choose([rows_of(part, before) for part in rows], named.keys())
    return again if enough(again, named, spec) else choose(rows, named.keys())


def bare_rows(
    snapshot: Snapshot, modality: Modality, items: Collection[int] | Ids | None = None
) -> Rows:
    """``lake_rows`` with vectors of no column: nothing is read of them."""
    table = snapshot.rows(f"segments/{modality}", list(_COLUMNS))
    if items is not None:
        wanted = pa.array(np.fromiter(items, dtype=np.int64, count=len(items)))
        table = table.filter(pc.is_in(table["item_id"], wanted))
    table = table.sort_by(_ORDER)
    contents = tuple(table["content_id"].to_pylist())
    return Rows(
        item_ids=table["item_id"].to_numpy(),
        segment_ids=table["segment_id"].to_numpy(),
        content_ids=contents,
        languages=tuple(table["language"].to_pylist()),
        texts=tuple(table["text"].to_pylist()),
        vectors=np.zeros((len(table), 0), dtype=np.float32),
        keys=_kept_keys(snapshot, contents) if modality == Modality.TEXT else None,
        derived=_derived(table["source"]) if modality == Modality.TEXT else None,
    )


def _derived(sources: pa.ChunkedArray) -> NDArray[np.bool_] | None:
    """(n,) which texts are read or heard in other contents, and so no captions; None: no text."""
    coded = pa.chunked_array(sources, pa.string()).combine_chunks().dictionary_encode()
    known = [not is_caption(source) for source in coded.dictionary.to_pylist()]
    return np.array(known)[coded.indices.to_numpy()] if any(known) else None


def _kept_keys(snapshot: Snapshot, contents: Sequence[str]) -> tuple[str, ...] | None:
    """The hashed caption keys of ``contents`` in a private lake; "" of those that have none."""
    if not snapshot.manifest.private:
        return None
    kept = snapshot.rows("captions")
    keys = dict(zip(kept["content_id"].to_pylist(), kept["key"].to_pylist(), strict=True))
    return tuple(keys.get(content, "") for content in contents)


def _with_cells(snapshot: Snapshot, modality: Modality, rows: Rows) -> Rows:
    if not len(rows):
        return Rows.empty(_dim(snapshot, modality, "own"))
    ids, vectors = snapshot.cells(modality, np.unique(rows.segment_ids))
    return replace(rows, vectors=_of_segments(snapshot, rows.segment_ids, ids, vectors))


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


def _dim(snapshot: Snapshot, modality: Modality, space: str, tower: str | None = None) -> int:
    encoder = snapshot.manifest.encoder(modality, tower)
    if encoder is None:
        return 0
    return snapshot.manifest.dim_of(encoder) if space == "shared" else encoder.dim
