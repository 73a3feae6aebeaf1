"""Garbage: which snapshots and files of a lake stay, and the removal of what does not.

The order of removal matters, since a crash may end it anywhere: a manifest goes before the files
it names, the card of an index (by which a run finds it built) before the index, projected vectors
before the cells that they were made of.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import Final

from storage.errors import CandidateOutdatedError, NoLakeError
from storage.layout import Layout
from storage.leases import still_held
from storage.maintenance.staying import KINDS, Rules, is_number, unit_of
from storage.manifest import Manifest, read_manifest
from storage.places.atomic import sync
from storage.places.place import folders, holding, is_local, listing, modified, remove
from storage.places.stores import Listed
from storage.published import current, published
from storage.snapshot import Snapshot

ORPHAN_GRACE: Final = timedelta(days=1)  # of what a run makes again out of finished parts
_TEMPORARY: Final = "temporary"
_ORDER: Final = (*dict.fromkeys(KINDS.values()), _TEMPORARY)
_DAMAGED: Final = ".damaged"  # ends the name of a file that was set aside
_TEMPORARY_NAME: Final = re.compile(r"\.[0-9a-f]{32}\.tmp")  # of storage.places.atomic and models


@dataclass(frozen=True, slots=True)
class Retention:
    """How much stays: ``keep`` snapshots; work that no snapshot names, for ``grace``."""

    keep: int = 7
    grace: timedelta = timedelta(days=30)

    def __post_init__(self) -> None:
        if self.keep < 1 or self.grace < timedelta(0):
            raise ValueError(f"cannot keep {self.keep} snapshots, and work for {self.grace}")

    @property
    def orphan_grace(self) -> timedelta:
        """The same for what any run makes again without decoding or embedding."""
        return min(self.grace, ORPHAN_GRACE)


@dataclass(frozen=True, slots=True)
class Garbage:
    """One file to remove; ``path`` is below the lake, with forward slashes."""

    kind: str
    path: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Survey:
    """What stays and what goes; ``garbage`` stands in the order of its removal."""

    current: int
    kept: tuple[int, ...]  # numbers of snapshots
    gone: tuple[int, ...]
    candidates: tuple[str, ...]  # runs whose candidates stay
    garbage: tuple[Garbage, ...]


@dataclass(frozen=True, slots=True)
class Collected:
    """Files and bytes by kind."""

    files: dict[str, int]
    bytes: dict[str, int]

    @classmethod
    def of(cls, removed: Iterable[Garbage]) -> Collected:
        """Count ``removed``."""
        files, size = Counter[str](), Counter[str]()
        for garbage in removed:
            files[garbage.kind] += 1
            size[garbage.kind] += garbage.bytes
        return cls(dict(files), dict(size))


def survey(
    layout: Layout, retention: Retention, now: datetime, upcoming: Manifest | None = None
) -> Survey:
    """Tell what stays and what goes; changes nothing.

    Snapshots that stay: ``CURRENT`` and its parents, ``retention.keep`` in all; those above it,
    which was rolled back to (and no number is given twice); the parents of candidates that stay.
    With ``upcoming``, a numbered candidate, what would stay and go if that was published.
    Raises NoLakeError, and CorruptLakeError when the published snapshot is not whole, since all
    that is left may then be needed, or when a manifest that stays cannot be read.
    """
    number = current(layout)
    if number is None:
        raise NoLakeError(layout.root)
    Snapshot.open(layout, number)
    runs = _candidates(layout, now.timestamp() - retention.grace.total_seconds())
    numbers = {int(p.name) for p in folders(layout.snapshots) if is_number(p.name)}
    ahead = {m.number: m for m in (upcoming,) if m is not None and m.number is not None}
    stay = {*ahead, *_line(layout, number, retention.keep - len(ahead))}
    stay |= {n for n in numbers if n > number} | {m.parent for m in runs.values() if m.parent}
    linked = set(published(layout)) - numbers  # not ours to remove
    kept = sorted(n for n in published(layout) if n in stay | linked)
    manifests = [read_manifest(layout.snapshot(n) / "manifest.json") for n in kept]
    rules = Rules.of(layout, [*manifests, *ahead.values(), *runs.values()], stay, set(runs))
    young = _young_models(layout, now.timestamp() - retention.grace.total_seconds())
    rules = replace(rules, units=rules.units | young)
    return Survey(
        current=number,
        kept=(*kept, *ahead),
        gone=tuple(sorted(numbers - stay)),
        candidates=tuple(sorted(runs)),
        garbage=tuple(sorted(_garbage(layout, rules, retention, now), key=_turn)),
    )


def collect(layout: Layout, found: Survey) -> Collected:
    """Remove what ``found`` says goes, then empty folders; hold the writer's lock.

    Whether a lease on the lake is still held is asked before each turn.

    May be killed at any moment and run again: every snapshot that stays is whole throughout. A
    file that is not there any more is not counted. Raises CandidateOutdatedError, and removes
    nothing, when another snapshot than at the survey is published.
    """
    still_held(layout)
    if current(layout) != found.current:
        raise CandidateOutdatedError(layout.root, found.current, current(layout))
    removed: list[Garbage] = []
    for _, turn in groupby(found.garbage, key=lambda garbage: _turn(garbage)[:2]):
        still_held(layout)
        removed += _removed(layout, list(turn))
    for area in KINDS if is_local(layout.root) else ():
        _remove_empty(layout.root / area)
    return Collected.of(removed)


def _removed(layout: Layout, wanted: list[Garbage]) -> list[Garbage]:
    """Remove files, and return those that were there; in a store all, which is not asked."""
    if is_local(layout.root):
        wanted = [garbage for garbage in wanted if (layout.root / garbage.path).exists()]
    paths = [layout.root / garbage.path for garbage in wanted]
    remove(paths)
    for folder in {path.parent for path in paths}:
        sync(folder)  # what comes next may be on disk before this otherwise
    return wanted


def _garbage(
    layout: Layout, rules: Rules, retention: Retention, now: datetime
) -> Iterator[Garbage]:
    """Every file that goes, in no order."""
    grace = {kind: retention.orphan_grace.total_seconds() for kind in _ORDER}
    dear = dict.fromkeys(("embeddings", "models"), retention.grace.total_seconds())
    grace |= dear | {"snapshots": -float("inf")}
    dead: set[tuple[str, str]] = set()  # (modality, name) of parts of cells that go
    for area, name, found in _files(layout.root):
        kind = _TEMPORARY if _is_temporary(name) else KINDS.get(area, "")
        aside = name.name.endswith(_DAMAGED)
        if not kind or (kind != _TEMPORARY and not aside and rules.stays(name)):
            continue
        # a shard that is embedded again gets its old name: what was projected must not be found
        derived = kind == "spaces" and (name.parent.name, name.name) in dead
        limit = retention.orphan_grace.total_seconds() if aside else grace[kind]
        if derived or now.timestamp() - found.mtime > limit:
            if kind == "embeddings":
                dead.add((name.parts[1], name.name))
            yield Garbage(kind, str(name), found.size)


def _files(root: Path) -> Iterator[tuple[str, PurePosixPath, Listed]]:
    """Every file with the lake's folder it lies in; cells before what is derived of them.

    Links are not followed, and a folder that is not of the lake is left alone.
    """
    for name, found in listing(root, deep=False).items():
        yield "", PurePosixPath(name), found
    for area in reversed(KINDS):
        linked = is_local(root) and (root / area).is_symlink()
        for name, found in () if linked else listing(root / area).items():
            yield area, PurePosixPath(area, name), found


def _turn(garbage: Garbage) -> tuple[int, bool, str]:
    """When a file is removed: cards and manifests first among their kind."""
    return _ORDER.index(garbage.kind), not garbage.path.endswith(".json"), garbage.path


def _candidates(layout: Layout, since: float) -> dict[str, Manifest]:
    """Run → manifest of the candidates that are not older than ``since`` (seconds)."""
    found = holding(layout.candidates, "manifest.json")
    return {p.parent.name: read_manifest(p) for p in found if modified(p) >= since}


def _young_models(layout: Layout, since: float) -> frozenset[str]:
    """Folders of models that were stored, or had a record written anew, after ``since``.

    One that was trained and not promoted may be promoted yet.
    """
    found = listing(layout.root / "models")
    return frozenset(unit_of(f"models/{name}") for name, of in found.items() if of.mtime >= since)


def _line(layout: Layout, number: int, keep: int) -> Iterator[int]:
    """``keep`` snapshots that are there: ``number``, its parent, and so on."""
    there = set(published(layout))
    for _ in range(keep):
        yield number
        parent = read_manifest(layout.snapshot(number) / "manifest.json").parent
        if parent not in there:
            return
        number = parent


def _remove_empty(top: Path) -> None:
    """Remove the empty folders below ``top``; links are not followed."""
    if top.is_symlink():
        return
    for where, _, _ in os.walk(top, topdown=False):
        folder = Path(where)
        if folder != top and not any(folder.iterdir()):
            folder.rmdir()


def _is_temporary(name: PurePosixPath) -> bool:
    return any(_TEMPORARY_NAME.fullmatch(part) for part in name.parts)
