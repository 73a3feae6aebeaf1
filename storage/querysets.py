"""Query sets of a user's, below ``queries/sets/``: immutable, and in no manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import pyarrow as pa

from storage.layout import Layout


@dataclass(frozen=True, slots=True)
class QuerySetCard:
    """``set.json``, which is written last."""

    name: str
    kind: Literal["qrels", "pairs"]
    fingerprint: str  # of the imported rows
    queries: int
    judged: int
    when: datetime


def write_set(
    layout: Layout,
    card: QuerySetCard,
    queries: pa.Table,
    qrels: pa.Table,
    media: Mapping[str, bytes],
) -> None:
    """Write a new set; one of that name must not be there."""
    raise NotImplementedError


def read_sets(layout: Layout) -> list[QuerySetCard]:
    """All whole sets, by name."""
    raise NotImplementedError


def remove_set(layout: Layout, name: str) -> None:
    """Remove a set, its card first."""
    raise NotImplementedError
