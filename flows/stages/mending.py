"""A run that meets a damaged file of the lake: it is set aside, said loudly, and made again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from flows.config.index import IndexResult
from storage.errors import CorruptLakeError, NoLakeError
from storage.layout import Layout
from storage.maintenance import mending
from storage.maintenance.restart import begin_anew, is_lost
from storage.models import tells
from storage.publication import finish
from storage.published import manifest_of
from storage.snapshot import Snapshot
from storage.verification.findings import Finding
from tasks import privacy
from tasks.workplace import Workplace

log = logging.getLogger(__name__)


def usable(lake: Layout) -> tuple[Snapshot | None, list[Finding]]:
    """The published snapshot without the files that are missing or cut, and which those are.

    A run that gets one that is not whole looks at every file. None where nothing is published, or
    nothing of it can be opened any more. Raises CorruptLakeError where the pointer or the manifest
    cannot be read, and another snapshot is whole.
    """
    try:
        manifest = manifest_of(lake)
    except NoLakeError:
        return None, []
    except CorruptLakeError:
        if not is_lost(lake):
            raise
        return None, []
    try:
        return Snapshot.of(lake, manifest), []
    except CorruptLakeError:
        damaged = mending.missing_or_cut(lake, manifest)
    for finding in damaged:
        log.warning("%s of snapshot %s %s", finding.path, manifest.number, finding.why)
    whole = mending.without(manifest, {finding.path for finding in damaged})
    return Snapshot.of(lake, whole), damaged


def replaceable(lake: Layout, *, quiet: bool = False) -> Snapshot:
    """The published snapshot, to be given other models; without those of its own that are damaged.

    A card or a ``training.json`` that was edited damages no model: it alone is left out, and so it
    is of the snapshot to come. Which ones is said, unless ``quiet``. Raises CorruptLakeError where
    anything else is missing or cut.
    """
    manifest = manifest_of(lake)
    damaged = mending.damaged_models(lake, manifest)
    if not damaged:
        return Snapshot.open(lake)
    for finding in () if quiet else damaged:
        left = ": the next snapshot leaves it out" if tells(finding.path) else ""
        log.warning("%s, which serves, %s%s", finding.path, finding.why, left)
    whole = mending.without(manifest, {finding.path for finding in damaged})
    seen = {"seen": manifest.seen, "inputs": manifest.inputs}
    return Snapshot.of(lake, whole.model_copy(update=seen))


def begun_anew(work: Workplace) -> list[str]:
    """Set aside what is in the way where no snapshot can be opened any more; hold the lock.

    Nothing is, where the lake's tables say that it is not as private as the run: ConfigError.
    """
    if not is_lost(work.lake):
        return []
    privacy.check(work, None)
    moved = begin_anew(work.lake)
    log.warning(
        "no snapshot of %s can be opened any more: %s kept as NAME.damaged, and the lake is begun"
        " anew, from the vectors that are there",
        work.lake.root,
        ", ".join(moved),
    )
    return moved


def mended(
    lake: Layout, run: Callable[[Snapshot | None], IndexResult], anew: Iterable[str] = ()
) -> IndexResult:
    """What ``run`` makes of the published snapshot; after a damaged file it is begun anew.

    ``anew`` names what was set aside before.
    What it had finished is kept. The caller has the lake's lock. Damage that no run can make good,
    or that comes back, is raised: CorruptLakeError.
    """
    aside, lost = list(anew), set[str]()
    while True:
        published, damaged = usable(lake)
        aside += _set_aside(lake, [finding.path for finding in damaged])
        lost |= _say_lost(lake, damaged, lost)
        try:
            result = run(published)
        except CorruptLakeError as error:
            if not error.path.is_relative_to(lake.root):
                raise
            name = lake.relative(error.path)
            if name in aside or not (moved := _set_aside(lake, [name])):
                raise
            log.warning("%s: %s", name, error.why)
            aside += moved
            finish(lake)
        else:
            return result.model_copy(update={"set_aside": tuple(aside)})


def _set_aside(lake: Layout, names: Iterable[str]) -> list[str]:
    moved = [name for path in names for name in mending.set_aside(lake, lake.root / path)]
    for name in moved:
        again = "" if name.startswith("models/") else ", and made again"
        log.warning("%s is damaged: it is kept as %s.damaged%s", name, name, again)
    return moved


def _say_lost(lake: Layout, damaged: list[Finding], told: set[str]) -> set[str]:
    """Say once of each trained model that it was lost, and what serves in its place."""
    lost = mending.trained(manifest_of(lake), damaged) - told if damaged else set[str]()
    for name in sorted(lost):
        kind = name.split("/")[1]
        log.warning(
            "%s was trained, and is lost: %s; `mmindex train` makes a new one, `mmindex models"
            " promote` lets another version serve",
            name.removeprefix("models/"),
            "items get their mean" if kind == "fusion" else "a plain projection is fitted anew",
        )
    return lost
