"""Which items of a lake a fusion is fitted on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

import numpy as np

from mmcore.training.rows import Rows
from mmcore.training.split import caption_keys
from mmcore.types import Ids
from storage.schemas import Modality

_STEP: Final = 16_000  # items that are looked at together, at least


def chosen_items(rows: Mapping[Modality, Rows], most: int) -> Ids:
    """The first ``most`` items, by id, that have two contents or more; sorted.

    Ids are hashes, so these are as good as drawn. Equal captions count as one content, and at
    least one is no text that was read or heard in another file. It looks at no vector, so ``rows``
    may be bare, and goes no further than it has to: a lake of any size costs as much as ``most``
    items, and an array of ids.
    """
    ids = [of.item_ids for of in rows.values()] or [np.zeros(0, dtype=np.int64)]
    items, counts = np.unique(np.concatenate(ids), return_counts=True)
    items = items[counts > 1]
    found: list[int] = []
    step = max(most, _STEP)
    for low in range(0, len(items), step):
        found += _learnable(rows, items[low : low + step])
        if len(found) >= most:
            break
    return np.array(found[:most], dtype=np.int64)


def _learnable(rows: Mapping[Modality, Rows], items: Ids) -> list[int]:
    """Those of the sorted ``items`` that have several contents, one of which may ask."""
    codes: defaultdict[int, set[str]] = defaultdict(set)
    asking: set[int] = set()
    for modality, of in rows.items():
        part = of.take(np.isin(of.item_ids, items))
        derived = [False] * len(part) if part.derived is None else part.derived.tolist()
        keys = caption_keys(part) if modality == Modality.TEXT else ("",) * len(part)
        mine = zip(part.item_ids.tolist(), part.content_ids, keys, derived, strict=True)
        for item, content, key, read in mine:
            codes[item].add(f"caption {key}" if key and not read else f"content {content}")
            if not read:
                asking.add(item)
    return [item for item in items.tolist() if len(codes[item]) > 1 and item in asking]


def of_items(rows: Rows, items: Ids) -> Rows:
    """The rows of ``items``."""
    return rows.take(np.isin(rows.item_ids, items))
