"""Items of a snapshot of which nothing could be used. Loads no Prefect and no torch."""

from __future__ import annotations

from functools import reduce

import pyarrow.compute as pc

from storage.schemas import MODALITIES
from storage.snapshot import Snapshot


def empty_items(snapshot: Snapshot) -> int:
    """How many have no segment of any modality: all their files are in quarantine."""
    names = [f"has_{modality}" for modality in MODALITIES]
    table = snapshot.rows("items", names)
    there = reduce(pc.or_, (table[name] for name in names))
    return len(table) - int(pc.sum(there).as_py() or 0)
