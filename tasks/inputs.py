"""What decides a snapshot, as one hash: equal inputs and no missing cell, nothing to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

from mmcore.media.crawl import RACY_NS, SNIFFER, Walked
from mmcore.media.decoders import decoders
from mmcore.media.faults import STANDING
from mmcore.media.reading.readers import readers_of
from mmcore.media.roots import outside_manifest, stamp_of
from mmcore.paths import printable
from mmcore.specs import CrawlSpec
from storage import looked, schemas
from storage.erasure.tombstones import tombstones_digest
from storage.snapshot import Snapshot
from storage.tables import rows_digest
from tasks.crawl import Found, began_ns
from tasks.plan import Plan, keys_of
from tasks.privacy import veil_of
from tasks.workplace import Workplace

TO_TRY_AGAIN = ("crawl", "read")  # stages whose failures say nothing of the file


def seen_digest(
    walked: Sequence[Walked], spec: CrawlSpec, work: Workplace, specs: Mapping[str, Any]
) -> str:
    """Hash of what a walk over the roots shows, and of all that decides what is made of it.

    It is equal to a published one when no file has another size or mtime, none came or went, and
    no setting, encoder or decoder has changed: then nothing has to be read.
    """
    veil = veil_of(work)
    outside = [outside_manifest(one.source, spec) for one in walked]
    return schemas.digest(
        {
            "schema": schemas.SCHEMA_VERSION,
            "roots": {one.source.alias: one.stamp() for one in walked},
            "manifests": [list(stamp_of(place)) for place in outside if place],
            "crawl": spec.model_dump(mode="json", exclude={"settle_seconds"}),
            "encoders": [key.fingerprint for key in keys_of(work)],
            "readers": [reader.source for reader in readers_of(work.segmentation)],
            "decoders": decoders_of(work),
            "specs": dict(specs),
            "private": veil.hide("seen") if veil else "",  # else names could be guessed
        }
    )


def decoders_of(work: Workplace) -> list[str]:
    """Who tells and decodes files in this run."""
    return [SNIFFER, *decoders(work.limits)]


def unchanged_since(published: Snapshot, walked: Sequence[Walked], seen: str) -> bool:
    """Whether the roots are as the published run saw them; young mtimes never tell.

    Or as a later run did, which found that all it would publish serves: another decoder, say, had
    nothing else to read.
    """
    settled = began_ns(published) - RACY_NS
    now = seen, tombstones_digest(published.layout)  # what was let in again must be looked at
    if now not in _looks(published):
        return False
    return all(one.newest_ns < settled for one in walked)


def _looks(published: Snapshot) -> list[tuple[str, str]]:
    """What was seen, and the tombstones that were heeded, by its own run and by the last one.

    Where its own run cannot say, as a file of it is damaged, nobody can.
    """
    told, last = published.manifest, looked.read(published.layout)
    own = [(told.seen, told.tombstones)]
    if told.seen and last and last.seen and last.snapshot == told.number:
        own.append((last.seen, last.tombstones))
    return own


def in_place(published: Snapshot, walked: Sequence[Walked], work: Workplace) -> bool:
    """Whether all roots, and weights, lie where the published run had them, on the same mounts.

    Where not, a new snapshot says so, though nothing else is new: by the last place and the last
    mounts a run tells a lost disk.
    """
    veil, told = veil_of(work), published.manifest
    sources = {one.source.alias: one.source.url for one in walked}
    mounts = {one.source.alias: one.mounts for one in walked if one.mounts}
    if veil is not None:
        sources = {alias: veil.url(url) for alias, url in sources.items()}
        mounts = {alias: veil.mounts(points) for alias, points in mounts.items()}
    before = {alias: sorted(points) for alias, points in told.mounts.items()}
    now = {alias: sorted(points) for alias, points in mounts.items()}
    return told.sources == sources and before == now and told.preset == work.preset


def seen_of(candidate: Snapshot, seen: str) -> str:
    """What the candidate's manifest may say it has seen: "" when a file is to be tried again.

    A link or a pipe is not: whether it is there, and what it is, each walk tells.
    """
    columns = candidate.rows("quarantine", ["stage", "reason"]).to_pydict()
    refused = set(zip(columns["stage"], columns["reason"], strict=True))
    again = any(stage in TO_TRY_AGAIN and reason not in STANDING for stage, reason in refused)
    return "" if again else seen


def inputs_digest(
    found: Found, plan: Plan, specs: Mapping[str, Any], by: Sequence[str] = ()
) -> str:
    """Hash of files, items, encoders' fingerprints, specs, and who tells and decodes files.

    The order of items is free. Another sniffer or decoder is news, once: what it makes of the
    files is looked at, and a new snapshot says that they were seen, or a note does.
    """
    columns = [{name: str(value) for name, value in i.columns.items()} for i in found.items]
    items = [
        [item.root, item.key, item.labels, item.split, own]
        for item, own in zip(found.items, columns, strict=True)
    ]
    items.sort(key=itemgetter(0, 1))
    rejected = sorted(f"{r.root}/{printable(r.path)}:{r.reason}" for r in found.rejections)
    return schemas.digest(
        {
            "schema": schemas.SCHEMA_VERSION,
            "files": rows_digest(found.file_rows),
            "item_files": rows_digest(found.item_file_rows),
            "items": items,
            "rejected": rejected,
            "encoders": [key.fingerprint for key in plan.encoders],
            "specs": dict(specs),
            "decoders": list(by),
        }
    )
