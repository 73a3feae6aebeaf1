"""What evaluations came to, night by night: small files of numbers, kept for ever."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping
from datetime import UTC, timedelta
from typing import Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from storage.errors import CorruptLakeError
from storage.json_files import read_object
from storage.layout import Layout
from storage.manifest import Evaluation, Manifest, Override, Status
from storage.places.conditional import create
from storage.places.place import children, is_local

log = logging.getLogger(__name__)

Trigger = Literal["index", "evaluate", "promote", "override", "rollback"]

_NAME: Final = re.compile(r"\d{8}T\d{6}\.\d{6}-\d{1,18}\.json", re.ASCII)


class Entry(BaseModel):
    """One evaluation. Numbers and names of directions only: nothing of what a lake holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    when: AwareDatetime
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


def read(layout: Layout, only: Collection[int] | None = None) -> list[Entry]:
    """All of them by time; a damaged one is skipped, and named in a warning.

    With ``only``, those of these snapshots: no other file is opened. A store that cannot be asked
    raises: a verdict that is not seen would open the gate.
    """
    found = []
    for name in children(layout.history):
        if not _NAME.fullmatch(name) or not (only is None or _number(name) in only):
            continue
        path = layout.history / name
        try:
            told = read_object(path)
            found += [] if told is None else [Entry.model_validate(told)]
        except (CorruptLakeError, ValidationError) as error:
            why = error.why if isinstance(error, CorruptLakeError) else "is no entry of a history"
            log.warning("%s %s: it is left out", path, why)
        except OSError as error:
            if not is_local(path):
                raise
            log.warning("%s cannot be read (%s): it is left out", path, error.strerror or error)
    return sorted(found, key=lambda entry: entry.when)


def numbers(layout: Layout) -> list[int]:
    """The numbers of all snapshots and candidates that were ever judged; none is given again."""
    return [_number(name) for name in children(layout.history) if _NAME.fullmatch(name)]


def _number(name: str) -> int:
    return int(name.removesuffix(".json").rpartition("-")[2])


def held_out(scores: Mapping[str, Mapping[str, float]]) -> dict[str, Mapping[str, float]]:
    """The directions that the lake's own queries ask: others have their set's name and a slash.

    These make the one figure of a snapshot, which no set that is added may move.
    """
    return {name: means for name, means in scores.items() if "/" not in name}


def last(entries: list[Entry], number: int, run: str) -> Entry | None:
    """The newest entry of a snapshot that a run made, of those sorted by time; None without any.

    A number alone does not say which: lakes of older versions gave those of candidates again.
    """
    mine = (one for one in reversed(entries) if (one.snapshot, one.run) == (number, run))
    return next(mine, None)


def verdict_of(entries: list[Entry], manifest: Manifest) -> Status | None:
    """The last verdict of a snapshot: else the one that it was published under, if any."""
    told, found = manifest.evaluation, last(entries, manifest.number or 0, manifest.run)
    return found.verdict if found else (told.verdict if told else None)


def judged_of(entries: list[Entry], manifest: Manifest) -> Status | None:
    """As `verdict_of`; but a night that failed says nothing of a snapshot: the one before does."""
    return verdict_of([one for one in entries if one.verdict != "failed"], manifest)


def was_promoted(entries: list[Entry], manifest: Manifest) -> bool:
    """Whether a snapshot came by a promotion, in which directions may be traded."""
    mine = (manifest.number, manifest.run)
    return any(one.trigger == "promote" and (one.snapshot, one.run) == mine for one in entries)


def as_told(layout: Layout, manifest: Manifest) -> Evaluation | None:
    """The evaluation of a snapshot, with who let it serve, also where that was said later."""
    told = manifest.evaluation
    numbers = (manifest.number, told.report if told else None)
    entries = read(layout, [number for number in numbers if number is not None])
    override = override_of(entries, manifest)
    if told is None or override == told.override:
        return told
    return told.model_copy(update={"override": override})


def note_override(layout: Layout, manifest: Manifest) -> None:
    """Keep who let a snapshot serve, as its manifest says; done before, or nobody: nothing."""
    told = manifest.evaluation
    if told is None or told.override is None:
        return
    entry = overriding(manifest, told.override)
    if all(one.override != told.override for one in read(layout, [entry.snapshot])):
        append(layout, entry)


def overriding(manifest: Manifest, override: Override) -> Entry:
    """The entry of somebody who lets a snapshot serve whatever the gate says of it."""
    told = manifest.evaluation
    return Entry(
        when=override.when,
        snapshot=manifest.number or 0,
        run=manifest.run,
        trigger="override",
        config=told.config if told else "",
        sets=told.sets if told else {},
        verdict=(told.verdict if told else None) or "unmeasured",
        baseline=told.baseline if told else None,
        override=override,
    )


def override_of(entries: list[Entry], manifest: Manifest) -> Override | None:
    """Who let a snapshot serve whatever the gate says of it: by the history, or its manifest.

    What serves is accepted in the history alone, as a manifest never changes; a snapshot whose
    evaluation was carried over is told of by the one that it is from.
    """
    told = manifest.evaluation
    names = {(manifest.number, manifest.run)}
    if told is not None and told.report is not None:
        names |= {(one.snapshot, one.run) for one in entries if one.snapshot == told.report}
    mine = (one.override for one in reversed(entries) if (one.snapshot, one.run) in names)
    return next(filter(None, mine), told.override if told else None)
