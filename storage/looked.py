"""When an index run last ended well: also one that found nothing new, and wrote nothing else."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from storage.cards import read_card
from storage.errors import CorruptLakeError
from storage.layout import Layout
from storage.places.atomic import write_bytes


@dataclass(frozen=True, slots=True)
class Looked:
    """When the sources were looked at, and what served then."""

    when: datetime
    snapshot: int


def note(layout: Layout, number: int, when: datetime | None = None) -> None:
    """Write ``LOOKED``, whole or not at all; needs no lock, since the newest look counts."""
    told = {"when": (when or datetime.now(UTC)).isoformat(), "snapshot": number}
    write_bytes(layout.looked, json.dumps(told).encode())


def read(layout: Layout) -> Looked | None:
    """The last look; None where there was none, or the file is damaged: it is written again."""
    try:
        told = read_card(layout.looked) or {}
        when = datetime.fromisoformat(told["when"])
        if when.tzinfo is None:
            return None
        return Looked(when, int(told["snapshot"]))
    except (CorruptLakeError, KeyError, TypeError, ValueError):
        return None
