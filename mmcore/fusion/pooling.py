"""From segments to items: pool each modality, then fuse what an item has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mmcore.types import Fused, Ids, Vectors, unit_rows
from storage.schemas import MODALITIES, Modality

if TYPE_CHECKING:
    from mmcore.fusion.base import Fusion


BLOCK = 16_384  # items fused at once
_CANCELLED = 1e-6  # a sum of unit vectors shorter than this has no direction


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """The segments of one modality and the items they serve: row ``i`` is one (item, segment)."""

    item_ids: Ids  # (n,)
    segment_ids: Ids  # (n,)
    vectors: Vectors  # (n, d); d is 0 where they were not read


def pool(wanted: Ids, item_ids: Ids, vectors: Vectors) -> tuple[Vectors, NDArray[np.bool_]]:
    """Mean direction of each wanted item's rows.

    Args:
        wanted: (m,) sorted, each once.
        item_ids: (n,) the item of each row; rows of other items are ignored.
        vectors: (n, d) unit rows.

    Returns:
        (m, d) unit vectors, zero where an item has no row or rows that cancel; (m,) which have.
    """
    pooled = np.zeros((len(wanted), vectors.shape[1]), dtype=np.float32)
    mine, place = _places(wanted, item_ids)
    np.add.at(pooled, place, vectors[mine])
    norms = np.linalg.norm(pooled, axis=1)
    has = norms > _CANCELLED
    pooled[has] = unit_rows(pooled[has])
    pooled[~has] = 0
    return pooled, has


def fuse_items(space: str, fusion: Fusion, members: Mapping[Modality, Members]) -> Fused | None:
    """One vector for each item that any of ``members`` serves; None when there is no item.

    Items go through in blocks: beside members and result, memory does not grow with the lake.
    """
    if not members:
        return None
    ordered = {modality: _by_item(rows) for modality, rows in members.items()}
    wanted = np.unique(np.concatenate([rows.item_ids for rows in ordered.values()]))
    blocks = [
        _fused_block(space, fusion, wanted[start : start + BLOCK], ordered)
        for start in range(0, len(wanted), BLOCK)
    ]
    found = [block for block in blocks if block is not None]
    if not found:
        return None
    return Fused(
        space,
        np.concatenate([block.item_ids for block in found]),
        np.concatenate([block.inputs for block in found]),
        np.concatenate([block.vectors for block in found]),
        np.concatenate([block.has for block in found]),
        np.concatenate([block.weights for block in found]),
    )


def _by_item(rows: Members) -> Members:
    order = np.argsort(rows.item_ids, kind="stable")
    return Members(rows.item_ids[order], rows.segment_ids[order], rows.vectors[order])


def _fused_block(
    space: str, fusion: Fusion, wanted: Ids, ordered: Mapping[Modality, Members]
) -> Fused | None:
    """Fuse the sorted items ``wanted``; None when none of them has a direction."""
    stacked = np.zeros((len(wanted), len(MODALITIES), _dim(ordered)), dtype=np.float32)
    has = np.zeros((len(wanted), len(MODALITIES)), dtype=bool)
    here = {}
    for column, modality in enumerate(MODALITIES):
        if modality in ordered:
            here[modality] = _between(ordered[modality], wanted[0], wanted[-1])
            rows = here[modality]
            stacked[:, column], has[:, column] = pool(wanted, rows.item_ids, rows.vectors)
    kept = has.any(axis=1)
    if not kept.any():
        return None
    vectors, weights = fusion.fuse(stacked[kept], has[kept])
    return Fused(space, wanted[kept], inputs_of(wanted[kept], here), vectors, has[kept], weights)


def _dim(members: Mapping[Modality, Members]) -> int:
    return int(next(iter(members.values())).vectors.shape[1])


def _between(rows: Members, first: int, last: int) -> Members:
    """The rows of the items from ``first`` to ``last``, as views."""
    low, high = np.searchsorted(rows.item_ids, [first, last + 1])
    return Members(rows.item_ids[low:high], rows.segment_ids[low:high], rows.vectors[low:high])


def item_inputs(members: Mapping[Modality, Members]) -> tuple[Ids, Ids]:
    """Every item that has a member, sorted, and the hash of what it is fused from; no vectors."""
    ids = [np.zeros(0, dtype=np.int64), *(rows.item_ids for rows in members.values())]
    items = np.unique(np.concatenate(ids))
    return items, inputs_of(items, members)


def inputs_of(wanted: Ids, members: Mapping[Modality, Members]) -> Ids:
    """Hash, per wanted item, of the segments it is fused from; their order does not matter."""
    total = np.zeros(len(wanted), dtype=np.uint64)
    for column, modality in enumerate(MODALITIES):
        if modality not in members or not len(wanted):
            continue
        rows = members[modality]
        mine, place = _places(wanted, rows.item_ids)
        np.add.at(total, place, _mix(rows.segment_ids[mine].astype(np.uint64) + np.uint64(column)))
    return (total >> np.uint64(1)).astype(np.int64)


def _places(wanted: Ids, item_ids: Ids) -> tuple[NDArray[np.bool_], NDArray[np.intp]]:
    """Which rows belong to a wanted item (a mask), and the place of each such row's item."""
    if not len(wanted):
        return np.zeros(len(item_ids), dtype=bool), np.zeros(0, dtype=np.intp)
    place = np.minimum(np.searchsorted(wanted, item_ids), len(wanted) - 1)
    mine = wanted[place] == item_ids
    return mine, place[mine]


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Spread 64-bit integers (SplitMix64's finaliser, Steele et al., 2014); wraps on purpose."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
