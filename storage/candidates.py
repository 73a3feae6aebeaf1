"""Candidates: what runs are building, or were not allowed to publish, in ``candidates/<run>/``.

A candidate with a ``blocked.json`` was judged and refused: it stays, to be looked into. One
without it belongs to the writer that is at work, or to one that was killed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from storage.errors import CorruptLakeError
from storage.json_files import read_object
from storage.layout import Layout
from storage.leases import still_held
from storage.manifest import Manifest, read_manifest
from storage.places.atomic import write_bytes
from storage.places.place import children, folders, is_local, remove

MANIFEST: Final = "manifest.json"
BLOCKED: Final = "blocked.json"


@dataclass(frozen=True, slots=True)
class Blocked:
    """A candidate that was refused."""

    run: str
    number: int | None  # under which it would have been published
    reason: str
    when: datetime | None
    verdict: str | None = None  # of the gate; None where something else refused it
    judged_by: str = ""  # names the rules of the gate


def write_candidate(layout: Layout, manifest: Manifest) -> Path:
    """Write ``candidates/<run>/manifest.json`` and return its path."""
    folder = layout.candidate(manifest.run)
    remove([folder / BLOCKED])  # of an earlier try of the same run
    write_bytes(folder / MANIFEST, manifest.to_json())
    return folder / MANIFEST


def drop_candidate(layout: Layout, run: str) -> None:
    """Remove the candidate of ``run``; none there is fine. Asks whether the lease is held."""
    still_held(layout)
    remove_folder(layout.candidate(run))


def block(
    layout: Layout,
    run: str,
    reason: str,
    verdict: Mapping[str, Any] | None = None,
    judged_by: str = "",
) -> None:
    """Mark the candidate of ``run`` as judged and refused: ``maintain`` removes it, in time.

    ``verdict``: the gate's, whose ``status`` counts; ``judged_by`` names its rules.
    """
    told: dict[str, Any] = {"reason": reason, "when": datetime.now(UTC).isoformat()}
    if verdict is not None:
        told |= {"verdict": dict(verdict), "judged_by": judged_by}
    text = json.dumps(told, ensure_ascii=False, indent=2)
    write_bytes(layout.candidate(run) / BLOCKED, text.encode("utf-8", "backslashreplace"))


def blocked(layout: Layout) -> list[Blocked]:
    """The candidates that were refused, by run; a mark that is damaged gives no reason."""
    found = []
    for run, names in _marks(layout):
        if BLOCKED in names:
            folder = layout.candidate(run)
            found.append(_blocked(run, folder, _told(folder / BLOCKED)))
    return found


def _blocked(run: str, folder: Path, told: Mapping[str, Any]) -> Blocked:
    verdict = told.get("verdict")
    return Blocked(
        run,
        number_of(folder),
        str(told.get("reason", "")),
        _when(told),
        str(verdict["status"]) if isinstance(verdict, dict) and "status" in verdict else None,
        str(told.get("judged_by", "")),
    )


def verdict_of(layout: Layout, run: str) -> dict[str, Any] | None:
    """What the gate said of the blocked candidate of ``run``; None where it said nothing."""
    found = _told(layout.candidate(run) / BLOCKED).get("verdict")
    return found if isinstance(found, dict) else None


def unjudged(layout: Layout) -> list[str]:
    """The runs that left a candidate which was not refused, also what is left of a removed one."""
    return [run for run, names in _marks(layout) if BLOCKED not in names]


def runs(layout: Layout) -> list[str]:
    """The runs that left a candidate, or some of one, sorted."""
    return [folder.name for folder in folders(layout.candidates, links=True)]


def number_of(folder: Path) -> int | None:
    """The number in a candidate's manifest; None where there is none that can be read."""
    number = _told(folder / MANIFEST).get("number")
    return number if isinstance(number, int) else None


def remove_folder(folder: Path) -> None:
    """Remove a folder of files, a manifest first; none there is fine."""
    remove(folder / name for name in children(folder))
    if is_local(folder) and folder.is_dir():
        folder.rmdir()


def _marks(layout: Layout) -> Iterator[tuple[str, list[str]]]:
    for run in runs(layout):
        yield run, children(layout.candidate(run))


def refused(layout: Layout, run: str) -> Manifest | None:
    """The manifest of the candidate of ``run``, if that was refused."""
    if run not in {one.run for one in blocked(layout)}:
        return None
    return read_manifest(layout.candidate(run) / MANIFEST)


def _told(path: Path) -> dict[str, Any]:
    """What a file of a candidate says; nothing where it is missing or damaged."""
    try:
        return read_object(path) or {}
    except CorruptLakeError:
        return {}


def _when(told: Mapping[str, Any]) -> datetime | None:
    try:
        return datetime.fromisoformat(told["when"])
    except (KeyError, TypeError, ValueError):
        return None
