"""What decides a snapshot, as one hash: equal inputs and no missing cell, nothing to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mmcore import rows
from mmcore.media.crawl import RACY_NS, SNIFFER, Walked, local_root, outside_manifest
from mmcore.media.prepared import decoders
from mmcore.specs import CrawlSpec
from storage import schemas
from storage.snapshot import Snapshot
from storage.tables import rows_digest
from tasks.crawl import Found, began_ns
from tasks.plan import Plan, keys_of
from tasks.workplace import Workplace

TO_TRY_AGAIN = ("crawl", "read")  # stages whose failures say nothing of the file


def seen_digest(
    walked: Sequence[Walked], spec: CrawlSpec, work: Workplace, specs: Mapping[str, Any]
) -> str:
    """Hash of what a walk over the roots shows, and of all that decides what is made of it.

    It is equal to a published one when no file has another size or mtime, none came or went, and
    no setting, encoder or decoder has changed: then nothing has to be read.
    """
    outside = [outside_manifest(local_root(one.source), spec) for one in walked]
    stamps = [path.stat() for path in outside if path is not None]
    return schemas.digest(
        {
            "schema": schemas.SCHEMA_VERSION,
            "roots": {one.source.alias: one.stamp() for one in walked},
            "manifests": [[stamp.st_size, stamp.st_mtime_ns] for stamp in stamps],
            "crawl": spec.model_dump(mode="json"),
            "encoders": [key.fingerprint for key in keys_of(work)],
            "decoders": [SNIFFER, *decoders(work.limits)],
            "specs": dict(specs),
        }
    )


def unchanged_since(published: Snapshot, walked: Sequence[Walked], seen: str) -> bool:
    """Whether the roots are as the published run saw them; young mtimes never tell."""
    settled = began_ns(published) - RACY_NS
    return published.manifest.seen == seen and all(one.newest_ns < settled for one in walked)


def seen_of(candidate: Snapshot, seen: str) -> str:
    """What the candidate's manifest may say it has seen: "" when a file is to be tried again."""
    stages = set(candidate.rows("quarantine", ["stage"])["stage"].to_pylist())
    return "" if stages & set(TO_TRY_AGAIN) else seen


def inputs_digest(found: Found, plan: Plan, specs: Mapping[str, Any]) -> str:
    """Hash of files, items, encoders' fingerprints and specs; the order of items is free."""
    items = sorted(
        schemas.digest(
            [
                item.root,
                item.key,
                item.labels,
                item.split,
                {k: str(v) for k, v in item.columns.items()},
            ]
        )
        for item in found.items
    )
    rejected = sorted(f"{r.root}/{rows.printable(r.path)[0]}:{r.reason}" for r in found.rejections)
    return schemas.digest(
        {
            "schema": schemas.SCHEMA_VERSION,
            "files": rows_digest(found.file_rows),
            "item_files": rows_digest(found.item_file_rows),
            "items": items,
            "rejected": rejected,
            "encoders": [key.fingerprint for key in plan.encoders],
            "specs": dict(specs),
        }
    )
