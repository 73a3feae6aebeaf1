"""Small lakes of texts and names, with their words."""

import pyarrow as pa
import pytest

from mmcore.search.words.made import words_table
from storage import schemas, tables
from storage.layout import Layout
from storage.snapshot import Snapshot
from tests.factories import entries, manifest


def item(key):
    """The id of an item."""
    return schemas.item_id("media", key)


def segment(text):
    """The id of a text, wherever it stands."""
    return schemas.stable_id("text", text)


@pytest.fixture
def lake(tmp_path):
    """Make a snapshot: texts by key, labels by key, other files by key; with the table or not."""

    def make(texts, *, labels=None, files=None, words=True):
        layout = Layout(tmp_path / "lake")
        segments = pa.Table.from_pylist(
            [
                {
                    "segment_id": segment(text),
                    "item_id": item(key),
                    "content_id": text,
                    "source": "self",
                    "segmentation": "whole",
                    "text": text,
                }
                for key, mine in texts.items()
                for text in mine
            ],
            schema=schemas.SEGMENTS,
        )
        rows = {
            "segments/text": segments.sort_by("segment_id"),
            "items": _items(texts, labels or {}),
            "item_files": _files(files or {}),
        }
        if words:
            rows["words"] = words_table([segments])
        paths = [p for name, t in rows.items() for p in tables.write_rows(layout.rows(name), t)]
        return Snapshot.of(layout, manifest(number=1, files=entries(layout, paths)))

    return make


def _items(keys, labels):
    has = {f"has_{modality}": False for modality in schemas.MODALITIES}
    rows = [
        {"item_id": item(key), "root": "media", "key": key, "labels": labels.get(key), **has}
        for key in keys
    ]
    return pa.Table.from_pylist(rows, schema=schemas.ITEMS).sort_by("item_id")


def _files(files):
    rows = [
        {
            "item_id": item(key),
            "root": "media",
            "path": path,
            "content_id": path,
            "role": "image",
        }
        for key, paths in files.items()
        for path in paths
    ]
    return pa.Table.from_pylist(rows, schema=schemas.ITEM_FILES)
