"""The pairs of item and content that two snapshots both name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mmcore.evaluation.linked import Codes, Names
from mmcore.types import Ids
from storage.snapshot import Snapshot


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """Pairs as numbers: eight bytes each."""

    names: Names  # contents
    items: Ids  # sorted, each once
    pairs: Codes  # sorted: place of the item × contents + code of the content

    @classmethod
    def common(cls, before: Snapshot, after: Snapshot) -> tuple[Held, Ids]:
        """By the tables ``item_files`` of both; and the items that have the same in both."""
        tables = [s.rows("item_files", ["item_id", "content_id"]) for s in (before, after)]
        one, other = (pc.unique(table["content_id"]) for table in tables)
        contents = one.filter(pc.is_in(one, value_set=other))
        contents = contents.take(pc.sort_indices(contents))
        ids = [table["item_id"].to_numpy() for table in tables]
        items: Ids = np.intersect1d(ids[0], ids[1])
        names = Names(_bytes(contents))
        bare = cls(names, items, np.zeros(0, dtype=np.int64))
        every = [
            bare._numbered(held, _codes(table["content_id"], contents))
            for held, table in zip(ids, tables, strict=True)
        ]
        pairs: Codes = np.setdiff1d(np.intersect1d(every[0], every[1]), [-1])
        shared = items[np.unique(pairs // max(1, len(names)))]
        changed = [held[~np.isin(codes, pairs)] for held, codes in zip(ids, every, strict=True)]
        return cls(names, items, pairs), np.setdiff1d(shared, np.concatenate(changed))

    def numbers(self, items: Ids, contents: Sequence[str]) -> Codes:
        """(n,) a number for each pair of an item and the content beside it; −1: not held."""
        numbers = self._numbered(items, self.names.codes(contents))
        found: Codes = np.where(np.isin(numbers, self.pairs), numbers, -1)
        return found

    def mask(self, items: Ids, contents: NDArray[np.str_]) -> NDArray[np.bool_]:
        """(n,) which pairs of an item and the content beside it are held."""
        return np.isin(self._numbered(items, self.names.codes_of(contents)), self.pairs)

    def _numbered(self, items: Ids, codes: Codes) -> Codes:
        """−1 where the item or the content is not one of both snapshots."""
        if not len(self.items):
            return np.full(len(items), -1, dtype=np.int64)
        places = np.minimum(np.searchsorted(self.items, items), len(self.items) - 1)
        known = (self.items[places] == items) & (codes >= 0)
        found: Codes = np.where(known, places * len(self.names) + codes, -1).astype(np.int64)
        return found


def _codes(contents: pa.ChunkedArray, known: pa.Array) -> Codes:
    found = pc.fill_null(pc.index_in(contents, value_set=known), -1)
    codes: Codes = found.to_numpy().astype(np.int64)
    return codes


def _bytes(contents: pa.Array) -> NDArray[np.bytes_]:
    return np.array(contents.cast(pa.binary()).to_pylist(), dtype=None if len(contents) else "S1")
