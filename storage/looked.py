"""When an index run last ended well: also one that found nothing new, and wrote nothing else."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from storage.errors import CorruptLakeError
from storage.json_files import read_object
from storage.layout import Layout
from storage.places.atomic import write_bytes
from storage.places.place import is_local

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Looked:
    """When the sources were looked at, and what served then."""

    when: datetime
    snapshot: int
    seen: str = ""
    """As in a manifest: what was seen, though nothing new was to be published of it."""
    tombstones: str = ""
    """As in a manifest: those that were heeded then."""


def note(
    layout: Layout,
    number: int,
    when: datetime | None = None,
    seen: str | None = None,
    tombstones: str = "",
) -> None:
    """Write ``LOOKED``, whole or not at all; needs no lock, since the newest look counts.

    Without ``seen``, what was noted of the same snapshot stays.
    """
    before = read(layout) if seen is None else None
    if before and before.snapshot == number:
        seen, tombstones = before.seen, before.tombstones
    told = {"when": (when or datetime.now(UTC)).isoformat(), "snapshot": number}
    told |= {"seen": seen, "tombstones": tombstones} if seen else {}
    write_bytes(layout.looked, json.dumps(told).encode())


def read(layout: Layout) -> Looked | None:
    """The last look; None where there was none, or the file is damaged: it is written again."""
    try:
        told = read_object(layout.looked) or {}
        when = datetime.fromisoformat(told["when"])
        if when.tzinfo is None:
            return None
        return Looked(
            when, int(told["snapshot"]), str(told.get("seen", "")), str(told.get("tombstones", ""))
        )
    except (CorruptLakeError, KeyError, TypeError, ValueError, OverflowError):
        return None
    except OSError as error:
        if not is_local(layout.looked):  # a store that cannot be asked says nothing of the file
            raise
        log.warning("%s cannot be read: %s", layout.looked, error.strerror or error)
        return None
