"""A run that meets a damaged file of the lake: it is set aside, said loudly, and made again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from flows.config import IndexResult
from storage import mending
from storage.errors import CorruptLakeError
from storage.findings import Finding
from storage.layout import Layout
from storage.publication import finish
from storage.snapshot import Snapshot, current, manifest_of

log = logging.getLogger(__name__)


def usable(lake: Layout) -> tuple[Snapshot | None, list[Finding]]:
    """The published snapshot without the files that are missing or cut, and which those are.

    A run that gets one that is not whole looks at every file. Raises CorruptLakeError where the
    pointer or the manifest cannot be read.
    """
    if current(lake) is None:
        return None, []
    manifest = manifest_of(lake)
    try:
        return Snapshot.of(lake, manifest), []
    except CorruptLakeError:
        damaged = mending.missing_or_cut(lake, manifest)
    for finding in damaged:
        log.warning("%s of snapshot %s %s", finding.path, manifest.number, finding.why)
    whole = mending.without(manifest, {finding.path for finding in damaged})
    return Snapshot.of(lake, whole), damaged


def mended(lake: Layout, run: Callable[[Snapshot | None], IndexResult]) -> IndexResult:
    """What ``run`` makes of the published snapshot; after a damaged file it is begun anew.

    What it had finished is kept. The caller has the lake's lock. Damage that no run can make good,
    or that comes back, is raised: CorruptLakeError.
    """
    aside: list[str] = []
    while True:
        published, damaged = usable(lake)
        aside += _set_aside(lake, [finding.path for finding in damaged])
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
        log.warning("%s is damaged: it is kept as %s.damaged, and made again", name, name)
    return moved
