"""What was judged before: whether the same was refused, and what a snapshot is held against."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from mmcore.evaluation.gating.rules import GateSpec
from mmcore.evaluation.reporting.words import counted, told
from mmcore.evaluation.scores import GateVerdict
from storage import candidates, history
from storage.errors import CorruptLakeError, LakeVersionError
from storage.manifest import Manifest, read_manifest
from storage.published import published
from storage.snapshot import Snapshot
from tasks.manifests import same_files
from tasks.workplace import Workplace

log = logging.getLogger(__name__)

DECIDING: Final = (
    *("specs", "preset", "encoders", "projection", "fusion", "indexes", "dtype", "private"),
    "software",
)
"""What of a manifest, beside its files, decides how it scores."""


@dataclass(frozen=True, slots=True)
class Refused:
    """What was made and refused before: a candidate, or a snapshot that was ``published``."""

    run: str
    number: int | None
    reason: str
    published: bool = False


def as_blocked(manifest: Manifest, gate: GateSpec, work: Workplace) -> Refused | None:
    """What was the very same, and was refused by the same rules; None where there is none.

    So it was also where a snapshot was published, found worse later, and rolled back from. Times
    of files, and of rows in quarantine, do not count.
    """
    for one in candidates.blocked(work.lake):
        if one.verdict != "block" or one.judged_by != gate.digest:
            continue
        before = _readable(work.lake.candidate(one.run) / "manifest.json")
        if before and before.parent == manifest.parent and _alike(manifest, before, work):
            return Refused(one.run, one.number, one.reason)
    return _rolled_back(manifest, work)


def _rolled_back(manifest: Manifest, work: Workplace) -> Refused | None:
    """A snapshot above the one that serves, whose last verdict was a block that stands.

    One that somebody let serve all the same is judged like any other.
    """
    above = [number for number in published(work.lake) if number > (manifest.parent or 0)]
    entries = history.read(work.lake) if above else []
    for number in reversed(above):
        before = _readable(work.lake.snapshot(number) / "manifest.json")
        if before is None or not _alike(manifest, before, work):
            continue
        entry = history.last(entries, number, before.run)
        accepted = history.override_of(entries, before) is not None
        if entry is not None and entry.verdict == "block" and not accepted:
            why = f"it is as snapshot {number}, which was found worse and rolled back from"
            return Refused(before.run, number, why, published=True)
    return None


def _readable(path: Path) -> Manifest | None:
    try:
        return read_manifest(path)
    except (CorruptLakeError, LakeVersionError) as error:
        log.warning("%s", error)
        return None


def _alike(one: Manifest, other: Manifest, work: Workplace) -> bool:
    """Whether both would score the same."""
    timed = [work.lake.relative(work.lake.rows(name)) for name in ("files", "quarantine")]
    if not same_files(one, other, but=timed):
        return False
    return all(getattr(one, name) == getattr(other, name) for name in DECIDING)


def told_block(verdict: GateVerdict) -> str:
    """The first thing that blocks, in words, and how many findings there are in all."""
    blocks = [finding for finding in verdict.findings if finding.action == "block"]
    if not blocks:
        return "the gate blocked it"
    rule = f" (rule {blocks[0].rule!r})" if blocks[0].rule else ""
    all_told = len(verdict.findings) > 1
    more = f"; in all, {counted(verdict.findings).en}" if all_told else ""
    return f"{told(blocks[0]).en.rstrip('.')}{rule}{more}"


def baseline_of(manifest: Manifest, against: int | None, work: Workplace) -> Snapshot | None:
    """What a snapshot, or a candidate, is judged against once it is there.

    ``against``, or the newest of its ancestors that are kept and open whole which no verdict
    speaks against, unless that was overridden. A later verdict of one counts before that under
    which it was published; that it could not be judged, on a full disk perhaps, is none. None
    where there is none.
    """
    if against is not None:
        return Snapshot.open(work.lake, against)
    kept, entries = set(published(work.lake)), history.read(work.lake)
    number = manifest.parent
    while number in kept:
        found = _readable(work.lake.snapshot(number) / "manifest.json")
        if found is None:
            return None
        if found.partial is None and _stands(found, entries):
            try:
                return Snapshot.open(work.lake, number)
            except CorruptLakeError as error:
                log.warning("snapshot %s is not compared with: %s", number, error)
        number = found.parent
    return None


def _stands(manifest: Manifest, entries: list[history.Entry]) -> bool:
    """Whether what is known of a snapshot lets it be a baseline."""
    if history.override_of(entries, manifest) is not None:
        return True
    return history.judged_of(entries, manifest) != "block"
