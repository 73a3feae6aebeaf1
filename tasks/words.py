"""Write a candidate's words, by which texts are found beside their vectors."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
from prefect import task

from mmcore.search.words.documents import TABLE
from mmcore.search.words.made import words_table
from mmcore.search.words.tokens import VERSION
from storage import tables
from storage.manifest import Manifest
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tasks.discretion import discreet
from tasks.manifests import with_files
from tasks.policies import POLICY
from tasks.workplace import Workplace


@task(name="write-words", **POLICY)
@discreet
def write_words(manifest: Manifest, work: Workplace, published: Snapshot | None) -> Manifest:
    """The candidate with its table ``words``; a private lake has none, since it keeps no texts.

    Published rows are taken over, where they were made by today's rules (``tokens.VERSION``).
    """
    if work.private:
        return manifest
    told = manifest.software | {TABLE: VERSION}
    known = published is not None and published.manifest.software.get(TABLE) == VERSION
    rows = words_table(
        _blocks(Snapshot(work.lake, manifest), f"segments/{Modality.TEXT}", "text"),
        _blocks(published, TABLE, TABLE) if published is not None and known else (),
    )
    paths = tables.write_rows(work.lake.rows(TABLE), rows)
    manifest = manifest.model_copy(update={"software": told})
    return with_files(manifest, paths, work, published)


def _blocks(snapshot: Snapshot, table: str, column: str) -> Iterator[pa.Table]:
    """A table's ids and one column of it, by row groups."""
    for path in snapshot.manifest.paths(table):
        yield from tables.stream_part(snapshot.layout.root / path, ["segment_id", column])
