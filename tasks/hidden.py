"""Folders that a walk could not look into: what was published of them is not gone."""

from __future__ import annotations

import os
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from mmcore.errors import SourceError
from mmcore.media.crawl import Walked
from mmcore.paths import storable
from mmcore.privacy import Veil
from storage.snapshot import Snapshot


def refuse_hidden_losses(published: Snapshot, walked: Iterable[Walked], veil: Veil | None) -> None:
    """Raise SourceError where published files lie in a folder that could not be looked into.

    A private lake does not tell which files lay below a folder: there any file that is missing
    beside such a folder is an error.
    """
    for one in walked:
        if not one.hidden:
            continue
        rows = published.rows("files", ["root", "path", "path_bytes"])
        mine = rows.filter(pc.equal(rows["root"], one.source.alias))
        for folder, count in _lost(mine, one, veil):
            what = "published files that may lie in it" if veil else "published files in it"
            raise SourceError(
                f"{one.source.url}: cannot look into {folder!r} ({what}: {count}); nothing was"
                " taken for deleted: let it be read and run again, or leave it out with --exclude"
            )


def _lost(rows: pa.Table, walked: Walked, veil: Veil | None) -> list[tuple[str, int]]:
    """Each hidden folder that published files lie in, and how many."""
    if veil is None:
        counts = {storable(folder): _below(rows, folder) for folder in walked.hidden}
    else:
        there = {veil.path(walked.source.alias, entry.path) for entry in walked.entries}
        unseen = set(rows["path"].to_pylist()) - there
        counts = {storable(folder): len(unseen) for folder in walked.hidden[:1]}
    return [(folder, count) for folder, count in counts.items() if count]


def _below(rows: pa.Table, folder: str) -> int:
    """How many files lie below a folder; names that are not UTF-8 are compared as they are."""
    plain = rows["path"].filter(pc.is_null(rows["path_bytes"]))
    named = pc.sum(pc.starts_with(plain, f"{storable(folder)}/")).as_py()
    odd: list[bytes] = pc.drop_null(rows["path_bytes"]).to_pylist()
    return int(named or 0) + sum(raw.startswith(os.fsencode(f"{folder}/")) for raw in odd)
