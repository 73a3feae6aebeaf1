from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from mmcore.rows import quarantine_table
from mmcore.search.opened.rows import Rows
from mmcore.search.showing.hits import Best, Hits
from mmcore.search.showing.thumbnails import shown_by
from mmcore.types import Rejection, Span
from storage.layout import Layout
from storage.schemas import SEGMENTS, Modality, item_id
from storage.snapshot import Snapshot
from storage.tables import read_parts, write_part, write_rows
from tests.factories import IMAGES, WHEN, content, entries, segment, small_lake, thumbnail
from tests.lakes import coloured_items, make_lake, towers

GOLDEN = Path(__file__).parents[3] / "golden"


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory):
    """Two items a colour."""
    return make_lake(tmp_path_factory.mktemp("lake"), coloured_items(copies=2), towers())


def test_a_picture_stands_for_an_item(snapshot):
    """Of an item's files its picture is shown, whatever comes first by name."""
    hit = Hits(Rows(snapshot)).of_item(item_id("media", "pink-2"), 0.5)

    assert (hit.key, hit.root, hit.path) == ("pink-2", "media", "pink-2.png")


def refused(snapshot, item, name):
    """Root, path and content of a file of an item, as a quarantine has them."""
    rows = snapshot.rows("item_files").to_pylist()
    row = next(row for row in rows if row["item_id"] == item and row["path"] == name)
    why = {"stage": "image", "reason": "truncated", "message": "", "decoder": "pillow 12"}
    return Rejection(row["root"], row["path"], row["content_id"], **why)


def changed(snapshot, table, change):
    """Put in place of the one part of a table what ``change`` makes of its rows."""
    (path,) = (snapshot.layout.root / name for name in snapshot.manifest.paths(table))
    part = read_parts([path])
    rows = change(part.to_pylist())
    path.unlink()
    write_part(path, pa.Table.from_pylist(rows, schema=part.schema))


def in_quarantine(snapshot, *rejections):
    """The snapshot with these in quarantine."""
    layout, table = snapshot.layout, quarantine_table(rejections, None, WHEN)
    paths = write_rows(layout.rows("quarantine"), table)
    files = [*snapshot.manifest.files, *entries(layout, paths)]
    return replace(snapshot, manifest=snapshot.manifest.model_copy(update={"files": files}))


def test_a_file_that_could_not_be_used_stands_for_no_item(tmp_path):
    """Of an item's files one with live segments is named; one with a fault in it has some."""
    snapshot = small_lake(tmp_path, ["cat", "owl"])
    cat, owl = item_id("media", "cat"), item_id("media", "owl")
    faults = refused(snapshot, cat, "cat.png"), refused(snapshot, owl, "owl.png")
    changed(snapshot, "segments/image", lambda rows: [r for r in rows if r["item_id"] != cat])
    hits = Hits(Rows(in_quarantine(snapshot, *faults)))

    assert hits.of_item(cat, 0.5).path == "cat.txt"
    assert hits.of_item(owl, 0.5).path == "owl.png"


def test_the_thumbnail_of_an_item_is_of_the_file_that_is_named(tmp_path):
    """Of two pictures the one that could be used, whichever comes first by name."""
    snapshot = small_lake(tmp_path, ["cat", "owl"])
    cat, owl = item_id("media", "cat"), item_id("media", "owl")
    fault, other = refused(snapshot, cat, "cat.png"), content(IMAGES, "owl")
    second = {"item_id": cat, "path": "later.png", "content_id": other}
    changed(
        snapshot,
        "item_files",
        lambda rows: [*rows, {**rows[0], "role": "image", **second}],
    )
    changed(
        snapshot,
        "segments/image",
        lambda rows: [
            {**row, "item_id": of} for row in rows if row["item_id"] == owl for of in (owl, cat)
        ],
    )
    snapshot = in_quarantine(snapshot, fault)

    hit = Hits(Rows(snapshot)).of_item(cat, 0.5)

    assert hit.path == "later.png"
    assert shown_by([hit], snapshot) == [(segment(other), thumbnail(other))]


def test_languages_are_those_of_the_texts(snapshot):
    """What can be asked for is what there is."""
    assert Rows(snapshot).languages() == ["en", "zh"]
    assert len(Rows(snapshot).of_language("zh")) == 8


def test_a_hit_says_where_it_lies_and_what_it_is(tmp_path):
    """A region of a page has its box and its kind; a whole picture has neither."""
    snapshot = small_lake(tmp_path, ["cat"])
    path = snapshot.layout.root / snapshot.manifest.paths("segments/image")[0]
    (row,) = read_parts([path]).to_pylist()
    box = (0.25, 0.0, 0.75, 0.5)
    place = {"start": 2.0, "end": 3.0, "unit": "page", "box": list(box), "kind": "region"}
    path.unlink()
    first = place | {"start": 0.0, "end": 1.0, "unit": "box", "kind": "ocr", "segment_id": 7}
    rows = [row | place | {"source": "page:3"}, row | first]
    write_part(path, pa.Table.from_pylist(rows, schema=SEGMENTS))
    best = Best(row["item_id"], row["segment_id"], 0.5)

    hit = Hits(Rows(snapshot)).of_segment(Modality.IMAGE, best)
    text = Hits(Rows(snapshot)).of_segment(
        Modality.TEXT, Best(row["item_id"], segment("cat-text"), 0.5)
    )

    on_first = Hits(Rows(snapshot)).of_segment(Modality.IMAGE, Best(row["item_id"], 7, 0.5))

    assert (hit.span, hit.kind) == (Span(2.0, 3.0, "page", box), "region")
    assert (hit.source, on_first.source, text.source) == ("page:3", "self", "self")
    assert [one.paged for one in (hit, on_first, text)] == [False, True, False]
    assert (text.span, text.kind, text.text) == (None, None, "cat-text")


def test_hits_of_an_older_lake_have_no_boxes():
    """Its rows lack the column."""
    snapshot = Snapshot.open(Layout(GOLDEN / "lake-v2" / "lake"))
    row = snapshot.rows("segments/image").to_pylist()[0]

    hit = Hits(Rows(snapshot)).of_segment(
        Modality.IMAGE, Best(row["item_id"], row["segment_id"], 0.5)
    )

    assert (hit.span, hit.kind) == (None, None)
    assert hit.path.endswith(".png")
