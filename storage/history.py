"""What evaluations came to, night by night: small files of numbers, kept for ever."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from storage.cards import read_card
from storage.errors import CorruptLakeError
from storage.layout import Layout
from storage.manifest import Override, Status
from storage.places.conditional import create
from storage.places.place import children

log = logging.getLogger(__name__)

Trigger = Literal["index", "evaluate", "promote", "override", "rollback"]

_NAME: Final = re.compile(r"\d{8}T\d{6}\.\d{6}-\d+\.json")


class Entry(BaseModel):
    """One evaluation. Numbers and names of directions only: nothing of what a lake holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    when: datetime
    snapshot: int
    run: str
    trigger: Trigger
    config: str
    sets: dict[str, str] = {}
    encoders: list[str] = []
    scores: dict[str, dict[str, float]] = {}  # direction → measure → mean, over the full gallery
    queries: dict[str, int] = {}
    recall: dict[str, float] = {}  # by index
    coverage: dict[str, float] = {}  # by modality: share of items that have its vector
    quarantine: float = 0.0
    latency: dict[str, float] = {}
    drift: dict[str, dict[str, float]] = {}
    verdict: Status
    baseline: int | None = None
    blocked: list[str] = []  # directions
    override: Override | None = None


def append(layout: Layout, entry: Entry) -> Entry:
    """Write one more file below ``history/``; returns the entry, with the time that it got.

    Where a file of that moment is there, it is put a microsecond later: none is ever replaced.
    """
    while not create(layout.history / _name(entry), entry.model_dump_json(indent=2).encode()):
        entry = entry.model_copy(update={"when": entry.when + timedelta(microseconds=1)})
    return entry


def _name(entry: Entry) -> str:
    return f"{entry.when.astimezone(UTC):%Y%m%dT%H%M%S.%f}-{entry.snapshot}.json"


def read(layout: Layout) -> list[Entry]:
    """All of them by time; a damaged one is skipped, and named in a warning."""
    found = []
    for name in children(layout.history):
        if not _NAME.fullmatch(name):
            continue
        path = layout.history / name
        try:
            told = read_card(path)
            found += [] if told is None else [Entry.model_validate(told)]
        except (CorruptLakeError, ValidationError) as error:
            why = error.why if isinstance(error, CorruptLakeError) else "is no entry of a history"
            log.warning("%s %s: it is left out", path, why)
    return sorted(found, key=lambda entry: entry.when)


def last(entries: list[Entry], number: int) -> Entry | None:
    """The newest entry of a snapshot, of those sorted by time; None where there is none."""
    return next((entry for entry in reversed(entries) if entry.snapshot == number), None)
