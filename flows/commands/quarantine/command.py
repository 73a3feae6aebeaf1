"""What `mmindex quarantine` does: read the table of what could not be used, group or list it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from flows.commands.quarantine import show
from flows.terminal.language import language_of
from flows.terminal.printing import OUT, print_json
from mmcore.errors import ConfigError
from mmcore.media.reasons import Language, advice
from storage import candidates
from storage.errors import NoLakeError
from storage.layout import Layout
from storage.manifest import Manifest, read_manifest
from storage.places.place import place_of
from storage.snapshot import Snapshot

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows; what is empty asks for all."""

    paths: tuple[str, ...] = ()  # ROOT, ROOT/path, a path below a root or on disk, or a glob
    stages: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    stopped: bool = False  # of the last run that was not allowed to publish


@dataclass(frozen=True, slots=True)
class Manner:
    """How they are told."""

    listed: bool = False  # each row; else groups
    language: str | None = None  # that of the locale, unless it is said
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one stage and reason."""

    stage: str
    reason: str
    rows: tuple[Row, ...]

    @property
    def files(self) -> tuple[tuple[str, str], ...]:
        """Root and path of each file, once, in order."""
        return tuple(dict.fromkeys((row["root"], row["path"]) for row in self.rows))


@dataclass(frozen=True, slots=True)
class Quarantine:
    """What was asked of a snapshot's quarantine."""

    manifest: Manifest
    groups: tuple[Group, ...]  # the one with most files first
    rows: tuple[Row, ...]  # by root and path
    total: int  # rows of the whole table
    why_stopped: str = ""
    stopped_later: bool = False  # a run after it was not allowed to publish
    instead: tuple[Group, ...] = ()  # of the whole table, where no row has the stage or reason

    @property
    def files(self) -> int:
        """How many files the rows are of."""
        return len({(row["root"], row["path"]) for row in self.rows})


def run_quarantine(lake: str, wanted: Wanted, manner: Manner) -> None:
    """`mmindex quarantine`: groups with advice, or every row."""
    language = language_of(manner.language, os.environ)
    found = quarantine_of(Layout(place_of(lake)), wanted)
    if manner.as_json:
        print_json(as_json(found, language))
    elif manner.listed:
        show.listed(OUT, found, language)
    else:
        show.grouped(OUT, found, language)


def quarantine_of(layout: Layout, wanted: Wanted) -> Quarantine:
    """What is asked, of the published snapshot or of the last run that was stopped.

    Where nothing was ever published, the run that was stopped is meant.
    """
    refused = sorted(candidates.blocked(layout), key=lambda one: one.run)
    snapshot, why = _opened(layout, refused, stopped=wanted.stopped)
    later = not why and bool(refused) and refused[-1].run > snapshot.manifest.run
    table = snapshot.rows("quarantine").to_pylist()
    rows = [
        row
        for row in table
        if (not wanted.stages or row["stage"] in wanted.stages)
        and (not wanted.reasons or row["reason"] in wanted.reasons)
    ]
    instead = () if rows else grouped(table)
    if wanted.paths:
        rows = list(_of_paths(rows, wanted.paths, snapshot))
    rows.sort(key=lambda row: (row["root"], row["path"], row["start"] or 0.0))
    groups = grouped(rows)
    return Quarantine(snapshot.manifest, groups, tuple(rows), len(table), why, later, instead)


def _opened(
    layout: Layout, refused: Sequence[candidates.Blocked], *, stopped: bool
) -> tuple[Snapshot, str]:
    """The snapshot that serves, or the last candidate of ``refused`` and why it was refused."""
    if not stopped:
        try:
            return Snapshot.open(layout), ""
        except NoLakeError:
            if not refused:
                raise
    if not refused:
        raise ConfigError(f"{layout.root}: no run was stopped, or `mmindex maintain` removed it")
    last = refused[-1]
    manifest = read_manifest(layout.candidate(last.run) / candidates.MANIFEST)
    return Snapshot.of(layout, manifest), last.reason or "stopped"


def grouped(rows: Iterable[Row]) -> tuple[Group, ...]:
    """The rows by stage and reason, the one with most files first."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row["stage"], row["reason"]), []).append(row)
    groups = [Group(*key, tuple(of)) for key, of in found.items()]
    return tuple(sorted(groups, key=lambda group: (-len(group.files), group.stage, group.reason)))


def _of_paths(rows: Sequence[Row], paths: Sequence[str], snapshot: Snapshot) -> Iterator[Row]:
    """The rows of files that one of ``paths`` names, or that lie in a folder it names."""
    from tasks.names import Names  # noqa: PLC0415 - reads the key of a private lake

    names = Names.of(snapshot.layout, [snapshot.manifest])
    bare = {text.rstrip("/") for text in paths}
    places = {place for text in bare for place in names.places(text)}
    roots = {alias for alias, url in names.roots if not bare.isdisjoint({alias, url})}
    for row in rows:
        root, path = row["root"], row["path"]
        inside = (alias == root and f"{path}/".startswith(f"{at}/") for alias, at in places)
        if root in roots or _named(row, paths) or any(inside):
            yield row


def _named(row: Row, texts: Iterable[str]) -> bool:
    """Whether a text is the row's path, a folder above it, or a glob that fits it."""
    path = row["path"]
    return any(
        path == text
        or path.startswith(f"{text.rstrip('/')}/")
        or fnmatchcase(path, text)
        or fnmatchcase(f"{row['root']}/{path}", text)
        for text in texts
    )


def as_json(found: Quarantine, language: Language) -> dict[str, Any]:
    """Groups and rows for programs: every column of the table, times as ISO 8601."""
    manifest = found.manifest
    return {
        "snapshot": manifest.number,
        "run": manifest.run,
        "stopped": found.why_stopped or None,
        "stopped_later": found.stopped_later,
        "private": manifest.private,
        "files": found.files,
        "groups": [_group_json(group, language) for group in found.groups],
        "rows": [
            {**row, **{name: row[name].isoformat() for name in ("first_seen", "last_seen")}}
            for row in found.rows
        ],
    }


def _group_json(group: Group, language: Language) -> dict[str, Any]:
    told = advice(group.stage, group.reason, language)
    return {
        "stage": group.stage,
        "reason": group.reason,
        "files": len(group.files),
        "rows": len(group.rows),
        "means": told.means if told else None,
        "todo": told.todo if told else None,
        "examples": [f"{root}/{path}" for root, path in group.files[: show.EXAMPLES]],
    }
