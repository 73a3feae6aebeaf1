"""The rows of a table by their ids."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from mmcore.types import Ids


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """The rows of a table by one column of ids, which may repeat.

    The table stays as it was read: no row is copied before it is wanted, and texts may have more
    bytes together than one array of them can hold (2 GiB).
    """

    table: pa.Table
    ids: Ids  # sorted
    places: Ids  # in the table, of each of ``ids``
    batches: tuple[pa.RecordBatch, ...]  # the table, in pieces
    starts: Ids  # the place of the first row of each

    @classmethod
    def of(cls, table: pa.Table, column: str) -> Lookup:
        """``table`` by ``column``; rows of one id keep their order."""
        ids = table[column].to_numpy()
        order = np.argsort(ids, kind="stable")
        batches = [batch for batch in table.to_batches() if batch.num_rows]
        ends = np.cumsum([0, *(batch.num_rows for batch in batches)])
        return cls(table, ids[order], order, (*batches,), ends[:-1])

    def rows(self, wanted: int) -> list[dict[str, Any]]:
        """All rows of one id, in order."""
        low = int(np.searchsorted(self.ids, wanted, side="left"))
        high = int(np.searchsorted(self.ids, wanted, side="right"))
        return self._taken(self.places[low:high])

    def picked(self, wanted: Ids) -> Picked:
        """All rows of some ids, read together: for twenty of them a tenth of the time."""
        wanted = np.unique(wanted)
        low = np.searchsorted(self.ids, wanted, side="left")
        counts = np.searchsorted(self.ids, wanted, side="right") - low
        sorted_places = np.repeat(low - np.cumsum(counts) + counts, counts) + np.arange(
            counts.sum()
        )
        rows = iter(self._taken(self.places[sorted_places]))
        return Picked(
            {
                one: [*islice(rows, count)]
                for one, count in zip(wanted.tolist(), counts.tolist(), strict=True)
            }
        )

    def _taken(self, places: Ids) -> list[dict[str, Any]]:
        """The rows at some places of the table, in their order."""
        of = np.searchsorted(self.starts, places, side="right") - 1
        found: dict[int, dict[str, Any]] = {}
        for number in np.unique(of).tolist():
            mine = np.flatnonzero(of == number)
            rows = self.batches[number].take(pa.array(places[mine] - self.starts[number]))
            found.update(zip(mine.tolist(), rows.to_pylist(), strict=True))
        return [found[place] for place in range(len(places))]


@dataclass(frozen=True, slots=True)
class Picked:
    """The rows of a few ids."""

    by_id: dict[int, list[dict[str, Any]]]

    def rows(self, wanted: int) -> list[dict[str, Any]]:
        """As ``Lookup.rows``, of those that were picked; KeyError for another."""
        return self.by_id[wanted]
