"""Leave out of a run what was written a moment ago."""

from __future__ import annotations

import time
from collections.abc import Mapping

from mmcore.errors import SourceError
from mmcore.media.collector import uncollected
from mmcore.media.crawl import Walked
from mmcore.media.settling import settled, young
from mmcore.rows import known_files
from mmcore.specs import CrawlSpec
from mmcore.types import MediaFile
from storage.snapshot import Snapshot
from tasks.privacy import veil_of
from tasks.workplace import Workplace

_NS = 1_000_000_000


def settle(
    walked: tuple[Walked, ...], spec: CrawlSpec, work: Workplace, published: Snapshot | None
) -> tuple[tuple[Walked, ...], int]:
    """The roots without files younger than ``spec.settle_seconds``, and how many wait.

    A published file that is being rewritten stays as it was published. SourceError where nothing
    else is there: a lake of no file is not published.
    """
    if not spec.settle_seconds:
        return walked, 0
    now, rest = time.time_ns(), int(spec.settle_seconds * _NS)
    found: list[Walked] = []
    waiting = 0
    for one in walked:
        paths = young(one, now, rest)
        if paths:
            known = _known(one.source.alias, work, published)
            one, count = settled(one, paths, known)  # noqa: PLW2901
            waiting += count
        found.append(one)
    if waiting and not any(one.entries for one in found):
        raise SourceError(
            f"all files there ({waiting}) were written less than {spec.settle_seconds:g} s ago:"
            " run again when they are complete"
        )
    return tuple(found), waiting


def _known(alias: str, work: Workplace, published: Snapshot | None) -> Mapping[str, MediaFile]:
    """The published files of a root, to be asked by real path."""
    if published is None:
        return {}
    with uncollected():
        known = known_files(published.rows("files"), alias)
    veil = veil_of(work)
    return known if veil is None else veil.known(known, alias)
