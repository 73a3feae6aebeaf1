"""What `mmindex snapshots …` and `mmindex files` do: read the lake, show what was found."""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from flows.commands.snapshots import show
from flows.terminal.language import language_of
from flows.terminal.printing import ERR, OUT, print_json
from mmcore.errors import ConfigError
from mmcore.media.reasons import Language
from storage import history
from storage.candidates import blocked
from storage.diff import diff
from storage.erasure import orders
from storage.errors import (
    CorruptLakeError,
    LakeVersionError,
    NoLakeError,
    UnsoundSnapshotError,
)
from storage.layout import Layout
from storage.locks import writer_lock
from storage.maintenance import mending
from storage.manifest import Manifest, read_manifest
from storage.places.place import place_of
from storage.publication import finish, roll_back
from storage.published import current, manifest_of, published
from storage.schemas import Modality
from storage.snapshot import Snapshot
from storage.verification.verify import Verification, verify


def run_list(lake: str, lang: str | None = None, *, as_json: bool) -> None:
    """`mmindex snapshots list`: a line for each snapshot, also for one that cannot be read.

    And one for each candidate that was blocked, with the reason.
    """
    language = language_of(lang, os.environ)
    layout = _layout(lake)
    numbers, refused = published(layout), blocked(layout)
    if not numbers and not refused:
        raise NoLakeError(layout.root)
    serving = _serving(layout)
    lines = [_line(layout, number, serves=number == serving) for number in numbers]
    lines += [show.blocked_json(candidate) for candidate in refused]
    if as_json:
        print_json(lines)
    else:
        show.listed(OUT, lines, language)


def _line(layout: Layout, number: int, *, serves: bool) -> dict[str, Any]:
    try:
        manifest = read_manifest(layout.snapshot(number) / "manifest.json")
    except (CorruptLakeError, LakeVersionError) as error:
        return {"snapshot": number, "serves": serves, "error": str(error)}
    return {
        "snapshot": number,
        "serves": serves,
        **show.line_json(manifest, history.as_told(layout, manifest)),
    }


def run_diff(
    lake: str, before: int | None, after: int | None, lang: str | None = None, *, as_json: bool
) -> None:
    """`mmindex snapshots diff`: from the parent to the published one unless others are named."""
    language = language_of(lang, os.environ)
    layout = _layout(lake)
    newer = Snapshot.open(layout, after)
    older = Snapshot.open(layout, _parent(newer.manifest) if before is None else before)
    found = diff(older, newer)
    if as_json:
        print_json(asdict(found))
    else:
        show.differences(OUT, found, language)


def _parent(manifest: Manifest) -> int:
    if manifest.parent is None:
        raise ConfigError(
            f"snapshot {manifest.number} has no parent: name two, as `mmindex snapshots diff A B`"
        )
    return manifest.parent


def run_verify(
    lake: str, number: int | None, lang: str | None = None, *, set_aside: bool, as_json: bool
) -> None:
    """`mmindex snapshots verify`: all findings, and an error if there is one."""
    language = language_of(lang, os.environ)
    layout = _layout(lake)
    found = verify(layout, manifest_of(layout, number))
    aside = _set_aside(layout, found) if set_aside and found.findings else []
    interrupted = orders.interrupted(layout)
    if as_json:
        print_json(asdict(found) | {"set_aside": aside, "erasure_interrupted": interrupted})
    else:
        show.verified(OUT, found, aside, language)
        _say(language, interrupted=interrupted)
    if found.findings:
        raise UnsoundSnapshotError(layout.root, found.number, len(found.findings))


def _say(language: Language, *, interrupted: bool) -> None:
    """Say that an erasure waits for its end."""
    if interrupted:
        show.interrupted(ERR, language)


def _set_aside(layout: Layout, found: Verification) -> list[str]:
    with writer_lock(layout, 0):
        paths = dict.fromkeys(layout.root / finding.path for finding in found.findings)
        return [name for path in paths for name in mending.set_aside(layout, path)]


def run_rollback(
    lake: str, number: int, wait: float, lang: str | None = None, *, as_json: bool
) -> None:
    """`mmindex snapshots rollback`: move the pointer, if the snapshot's files are all there."""
    language = language_of(lang, os.environ)
    layout = _layout(lake)
    if number not in published(layout):
        raise NoLakeError(layout.root, number)  # before the lock makes a folder
    with writer_lock(layout, wait):
        finish(layout)
        before = _serving(layout)
        roll_back(layout, number)
        _record(layout, before, number)
    told = {"lake": str(layout.root), "before": before, "snapshot": number}
    interrupted = orders.interrupted(layout)
    if as_json:
        print_json(told | {"erasure_interrupted": interrupted})
    else:
        show.rolled_back(OUT, before, number, language)
        _say(language, interrupted=interrupted)


def _record(layout: Layout, before: int | None, number: int) -> None:
    """Keep in the history that somebody went back, and tell a server if there is one.

    The verdict of what served until then stays as it was: nothing is found worse by that.
    """
    if before in (None, number):
        return
    try:
        left = manifest_of(layout, before)
        history.append(layout, _entry(layout, left, number))
    except (CorruptLakeError, LakeVersionError, OSError) as error:  # the pointer has moved
        ERR.print(f"not in the history: {error}", markup=False, soft_wrap=True)
        return
    from tasks.alerts import Alert, announce  # noqa: PLC0415 - loads Prefect

    announce(Alert("rolled-back", number, left.run, left.number, reason="by hand"), layout)


def _entry(layout: Layout, left: Manifest, number: int) -> history.Entry:
    entries = history.read(layout, [left.number or 0])
    return history.Entry(
        when=datetime.now(UTC),
        snapshot=left.number or 0,
        run=left.run,
        trigger="rollback",
        config=left.evaluation.config if left.evaluation else "",
        verdict=history.verdict_of(entries, left) or "unmeasured",
        baseline=number,
    )


def _serving(layout: Layout) -> int | None:
    """What ``CURRENT`` says; None also where it is damaged: rolling back mends that."""
    try:
        return current(layout)
    except CorruptLakeError:
        return None


def run_files(lake: str, modality: Modality | None, *, as_json: bool) -> None:
    """`mmindex files`: the Parquet parts of the published snapshot."""
    snapshot = Snapshot.open(_layout(lake))
    parts = show.parts(snapshot.layout, snapshot.manifest, modality)
    if as_json:
        print_json(parts)
    else:
        show.named(parts)


def _layout(lake: str) -> Layout:
    return Layout(place_of(lake))
