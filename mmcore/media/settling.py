"""Files that may still be being written: they wait for the next run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from mmcore.media.crawl import Walked
from mmcore.media.listing import Entry
from mmcore.types import MediaFile

SKEW_NS: Final = 60_000_000_000
"""How far a server's clock may be ahead; what lies further in the future tells nothing."""


def young(walked: Walked, now_ns: int, rest_ns: int) -> frozenset[str]:
    """The paths that were written less than ``rest_ns`` ago.

    Objects of a store appear whole, so none of them is; nor is a manifest, whose rows are not
    kept: it is read as it is.
    """
    return frozenset(
        entry.path
        for entry in walked.entries
        if not (entry.sure or entry.manifest or entry.fault)
        and -SKEW_NS < now_ns - entry.mtime_ns < rest_ns
    )


def settled(
    walked: Walked, waiting: frozenset[str], known: Mapping[str, MediaFile]
) -> tuple[Walked, int]:
    """The root without what waits, and how many files that are.

    One that is ``known`` is listed as it was, so it keeps its content until the next run; one
    that is new is not listed. What is still as it is known does not wait.
    """
    kept: list[Entry] = []
    count = 0
    for entry in walked.entries:
        if entry.path not in waiting:
            kept.append(entry)
            continue
        if (before := known.get(entry.path)) is None:
            count += 1
            continue
        as_was = entry._replace(size=before.size, mtime_ns=before.mtime_ns)
        count += as_was != entry
        kept.append(as_was)
    return replace(walked, entries=tuple(kept)), count
