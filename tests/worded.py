"""Snapshots of tests with the words of their texts."""

from __future__ import annotations

from mmcore.search.words.made import words_table
from storage import tables
from storage.manifest import entry
from storage.snapshot import Snapshot


def with_words(snapshot: Snapshot) -> Snapshot:
    """The same snapshot with its table ``words``, as a run would have made it."""
    table = words_table([snapshot.rows("segments/text", ["segment_id", "text"])])
    paths = tables.write_rows(snapshot.layout.rows("words"), table)
    files = [entry(snapshot.layout.root, path, {}) for path in paths]
    manifest = snapshot.manifest
    named = manifest.model_copy(update={"files": [*manifest.files, *files]})
    return Snapshot.of(snapshot.layout, named)
