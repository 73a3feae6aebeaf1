import json
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmcore import rows
from mmcore.errors import ConfigError
from mmcore.types import Item, MediaFile, Rejection, Span
from storage import schemas
from storage.schemas import Modality

EARLY = datetime(2026, 1, 1, tzinfo=UTC)
LATE = datetime(2026, 1, 2, tzinfo=UTC)


def media_file(path, content="c", modality=Modality.IMAGE):
    """A picture below the root."""
    return MediaFile("root", path, content, modality, "image/png", 10, 5)


def rejection(path, reason="decode-error"):
    """A file that did not decode."""
    return Rejection("root", path, path, "image", reason, "broken", "pillow 1")


def descriptions(*segments):
    """Whole contents, each (segment id, content id)."""
    blank = {"source": "self", "segmentation": "whole", "language": None}
    blank |= {"start": None, "end": None, "unit": None, "text": None}
    return pa.Table.from_pylist(
        [{"segment_id": number, "content_id": content, **blank} for number, content in segments],
        schema=schemas.DESCRIPTIONS,
    )


def test_files_come_back_as_they_were():
    """A file that was written to the table of files is read back equal, whatever its name."""
    odd = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    files = [media_file("b.png"), media_file("猫.png"), media_file(odd)]

    known = rows.known_files(rows.files_table(files), "root")

    assert known == {file.path: file for file in files}


def test_the_order_of_files_does_not_matter():
    """The same files in another order give the same table."""
    files = [media_file("b.png"), media_file("a.png")]

    assert rows.files_table(files).equals(rows.files_table(files[::-1]))


@pytest.mark.parametrize(("values", "counts"), [([], {}), (["b", "a", "b"], {"a": 1, "b": 2})])
def test_values_are_counted(values, counts):
    """Each value with how often it comes, by value; no rows are no values."""
    column = pa.chunked_array([values], pa.string())

    assert list(rows.tally(column).items()) == list(counts.items())
    assert rows.distinct(column) == len(counts)


def test_a_segment_has_a_row_for_each_item_it_serves():
    """A content that two items share gives two rows; a content without an item gives none."""
    items = [Item("root", key, (media_file(f"{key}.png", "shared"),)) for key in ("one", "two")]
    table = rows.segments_table(
        rows.item_files_table(items), descriptions((7, "shared"), (8, "gone"))
    )

    assert table["segment_id"].to_pylist() == [7, 7]
    assert set(table["item_id"].to_pylist()) == {item.item_id for item in items}


def test_an_item_has_what_has_a_live_segment():
    """An item whose picture could not be decoded does not claim to have a picture."""
    whole, broken = (Item("root", key, (media_file(f"{key}.png", key),)) for key in ("a", "b"))
    segments = rows.segments_table(rows.item_files_table([whole, broken]), descriptions((1, "a")))

    table = rows.items_table([whole, broken], {Modality.IMAGE: segments}).to_pylist()

    assert {row["key"]: row["has_image"] for row in table} == {"a": True, "b": False}


def test_user_columns_follow_and_mixed_ones_become_text():
    """A manifest's own columns are kept with their types; a column of several types as text."""
    items = [
        Item("root", "a", (), columns={"year": 1999, "note": 1}),
        Item("root", "b", (), columns={"note": "x"}),
    ]

    table = {row["key"]: row for row in rows.items_table(items, {}).to_pylist()}

    assert (table["a"]["year"], table["b"]["year"]) == (1999, None)
    assert (table["a"]["note"], table["b"]["note"]) == ("1", "x")


def test_a_user_column_cannot_replace_one_of_the_lake():
    """A manifest with a column named like one of ours is refused with the way out."""
    with pytest.raises(ConfigError, match="rename it"):
        rows.items_table([Item("root", "a", (), columns={"item_id": 3})], {})


def test_an_item_is_there_once():
    """The same key twice below one root is refused, not merged silently."""
    with pytest.raises(ConfigError, match="twice"):
        rows.items_table([Item("root", "a", ()), Item("root", "a", ())], {})


def test_quarantine_keeps_the_first_sight():
    """A rejection seen before keeps first_seen; a new one starts now."""
    before = rows.quarantine_table([rejection("old")], None, EARLY)

    after = rows.quarantine_table([rejection("old"), rejection("new")], before, LATE).to_pylist()

    assert {row["path"]: row["first_seen"] for row in after} == {"old": EARLY, "new": LATE}
    assert {row["last_seen"] for row in after} == {LATE}


def test_another_decoder_is_no_new_trouble():
    """A file that a newer decoder refuses, with other words, was first seen when it was."""
    old = replace(rejection("old"), decoder="pillow 1")
    before = rows.quarantine_table([old], None, EARLY)
    newer = replace(old, decoder="pillow 2", message="in other words")
    (row,) = rows.quarantine_table([newer], before, LATE).to_pylist()

    assert (row["decoder"], row["first_seen"], row["last_seen"]) == ("pillow 2", EARLY, LATE)


def test_another_reason_is_new_trouble():
    """A file that fails for another reason than before was first seen to do so now."""
    before = rows.quarantine_table([rejection("old")], None, EARLY)
    other = replace(rejection("old"), reason="another")
    (row,) = rows.quarantine_table([other], before, LATE).to_pylist()

    assert row["first_seen"] == LATE


def test_an_unchanged_quarantine_is_the_same_table():
    """When the same files fail for the same reasons, no row changes."""
    before = rows.quarantine_table([rejection("a"), rejection("b")], None, EARLY)

    assert rows.quarantine_table([rejection("b"), rejection("a")], before, LATE).equals(before)


def test_a_rejection_survives_its_record():
    """What a part's record keeps of a rejection is all of it."""
    assert rows.rejection_of(rows.record_of(rejection("a"))) == rejection("a")


def test_each_file_with_a_refused_content_is_named_once():
    """Copies have a row each, whatever path the record has; two encoders may say the same."""
    record = rows.record_of(rejection("old name"))
    files = [media_file(path, "old name") for path in ("a", "b")] + [media_file("c", "fine")]

    found = rows.part_rejections([record, record], files)

    assert found == [replace(rejection("old name"), path=path) for path in ("a", "b")]


BOX = (0.1, 0.2, 0.7, 1 / 3)
PLACES = (
    None,
    Span(0.0, 12.5, "second"),
    Span(2.0, 3.0, "page", BOX),
    Span(0.0, 1.0, "box", (0.0, 0.0, 0.5, 0.5)),
)


@pytest.mark.parametrize("span", PLACES)
def test_a_rejection_comes_back_with_its_place(span):
    """A part's record, and so JSON, keeps source, span and box as they were."""
    one = replace(rejection("a"), source="track:1", span=span)

    stored = json.loads(json.dumps(rows.record_of(one)))

    assert rows.rejection_of(stored) == one
    assert hash(rows.rejection_of(stored)) == hash(one)


def test_an_older_record_knows_no_boxes():
    """The parts of older lakes say where a fault lies without one."""
    stored = rows.record_of(replace(rejection("a"), span=Span(2.0, 3.0, "page")))
    del stored["box"]

    assert rows.rejection_of(stored).span == Span(2.0, 3.0, "page")


def test_faults_at_several_places_of_a_file_are_rows_of_their_own():
    """Two regions of one page that failed for one reason are two rows; a second run adds none."""
    found = [replace(rejection("a"), source="self", span=span) for span in PLACES]
    found.append(replace(found[2], span=Span(2.0, 3.0, "page", (0.0, 0.0, 1.0, 0.1))))

    before = rows.quarantine_table(found, None, EARLY)

    assert before.num_rows == len(found)
    assert {tuple(box) if box else None for box in before["box"].to_pylist()} == {
        None,
        *(one.span.box for one in found if one.span),
    }
    assert rows.quarantine_table(found[::-1], before, LATE).equals(before)


def test_segments_keep_what_describes_them():
    """Boxes, kinds and texts stand in the row of each item that a segment serves, sorted."""
    described = [
        {"segment_id": 9, "content_id": "shared", "box": list(BOX), "kind": "region"},
        {"segment_id": 3, "content_id": "shared", "text": "a word"},
        {"segment_id": 4, "content_id": "gone", "kind": "page"},
    ]
    whole = {"source": "self", "segmentation": "regions"}
    table = pa.Table.from_pylist([d | whole for d in described], schema=schemas.DESCRIPTIONS)
    items = [Item("root", key, (media_file(f"{key}.png", "shared"),)) for key in ("one", "two")]

    found = rows.segments_table(rows.item_files_table(items), table)

    ids = sorted(item.item_id for item in items)
    assert found.schema == schemas.SEGMENTS
    assert found.select(["segment_id", "item_id", "box", "kind", "text"]).to_pylist() == [
        {"segment_id": 3, "item_id": ids[0], "box": None, "kind": None, "text": "a word"},
        {"segment_id": 3, "item_id": ids[1], "box": None, "kind": None, "text": "a word"},
        {"segment_id": 9, "item_id": ids[0], "box": list(BOX), "kind": "region", "text": None},
        {"segment_id": 9, "item_id": ids[1], "box": list(BOX), "kind": "region", "text": None},
    ]


@given(st.lists(st.tuples(st.integers(0, 99), st.sampled_from("abcd")), unique_by=lambda x: x[0]))
def test_segments_are_the_pairs_of_items_and_their_contents(segments):
    """Exactly the segments of contents that items have, once for each item."""
    held = {"one": ("a", "b"), "two": ("b", "c"), "none": ()}
    items = [
        Item("root", key, tuple(media_file(f"{key}-{c}.png", c) for c in contents))
        for key, contents in held.items()
    ]

    found = rows.segments_table(rows.item_files_table(items), descriptions(*segments))

    assert list(zip(*(found[n].to_pylist() for n in ("segment_id", "item_id")), strict=True)) == (
        sorted((s, i.item_id) for s, c in segments for i in items if c in held[i.key])
    )
