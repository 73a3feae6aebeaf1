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


_CANCELLED = 1e-6  # a sum of unit vectors shorter than this has no direction


@dataclass(frozen=True, slots=True, eq=False)
class Members:
    """The segments of one modality and the items they serve: row ``i`` is one (item, segment)."""

    item_ids: Ids  # (n,)
    segment_ids: Ids  # (n,)
    vectors: Vectors  # (n, d)


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
    """One vector for each item that any of ``members`` serves; None when there is no item."""
    if not members:
        return None
    wanted = np.unique(np.concatenate([m.item_ids for m in members.values()]))
    if not len(wanted):
        return None
    dim = next(iter(members.values())).vectors.shape[1]
    stacked = np.zeros((len(wanted), len(MODALITIES), dim), dtype=np.float32)
    has = np.zeros((len(wanted), len(MODALITIES)), dtype=bool)
    for column, modality in enumerate(MODALITIES):
        if modality in members:
            stacked[:, column], has[:, column] = pool(
                wanted, members[modality].item_ids, members[modality].vectors
            )
    kept = has.any(axis=1)
    wanted, stacked, has = wanted[kept], stacked[kept], has[kept]
    vectors, weights = fusion.fuse(stacked, has)
    return Fused(space, wanted, inputs_of(wanted, members), vectors, has, weights)


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
