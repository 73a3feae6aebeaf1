"""What decides a snapshot, as one hash: equal inputs and no missing cell, nothing to do."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from mmcore import rows
from storage import schemas
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
            "files": table_hash(rows.files_table(found.files)),
            "item_files": table_hash(rows.item_files_table(found.items)),
            "items": items,
            "rejected": rejected,
            "encoders": [key.fingerprint for key in plan.encoders],
            "specs": dict(specs),
        }
    )


def table_hash(table: pa.Table) -> str:
    """Hash of a table's rows, as Arrow's IPC stream writes them."""
    sink = _Hashing()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return sink.digest.hexdigest()


class _Hashing:
    """A file that keeps only the hash of what is written."""

    closed = False

    def __init__(self) -> None:
        self.digest = hashlib.sha256()

    def write(self, block: bytes) -> int:
        """Take a block."""
        self.digest.update(block)
        return len(block)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing is open."""
