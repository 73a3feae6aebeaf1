"""What decides a snapshot, as one hash: equal inputs and no missing cell, nothing to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmcore import rows
from storage import schemas
from storage.tables import rows_digest
from tasks.crawl import Found
from tasks.plan import Plan


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
