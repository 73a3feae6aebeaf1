"""Rows of a snapshot are verified: vectors, ids, contents, fused items."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from storage import schemas
from storage.tables import read_parts, vector_column, vectors_of, write_rows
from tests.factories import entries
from tests.storage.verification.finding import findings, lake, replaced


@pytest.mark.parametrize("folder", ["embeddings/image", "spaces/words-p1/text"])
@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_a_vector_that_is_not_finite_and_of_length_1_is_found(tmp_path, folder, value):
    """What we never write ourselves is found in the encoder's space and in the shared one."""
    layout, whole = lake(tmp_path)
    path = live_part(layout, whole, folder)
    table = read_parts([layout.root / path])
    vectors = np.full_like(vectors_of(table), value)
    at = table.schema.get_field_index("vector")
    worse = table.set_column(at, table.schema.field("vector"), vector_column(vectors))

    ((place, why),) = findings(layout, replaced(layout, whole, path, worse))

    assert place == path
    assert "1 vectors are not finite and of length 1" in why


def live_part(layout, whole, folder):
    """A part of ``folder`` that holds a live segment."""
    live = read_parts([layout.root / p for p in whole.paths("segments")])["segment_id"]
    return next(
        path
        for path in whole.paths(folder)
        if read_parts([layout.root / path])["segment_id"][0].as_py() in live.to_pylist()
    )


def test_a_bad_vector_of_a_dead_row_is_no_finding(tmp_path):
    """Rows that no segment names are no part of the snapshot."""
    layout, whole = lake(tmp_path)
    live = read_parts([layout.root / p for p in whole.paths("segments/image")])["segment_id"]
    path = next(
        path
        for path in whole.paths("spaces/words-p1/image")
        if read_parts([layout.root / path])["segment_id"][0].as_py() not in live.to_pylist()
    )
    table = read_parts([layout.root / path])
    zeros = vector_column(np.zeros_like(vectors_of(table)))

    worse = replaced(layout, whole, path, table.set_column(1, table.schema.field(1), zeros))

    assert findings(layout, worse) == []


@pytest.mark.parametrize("folder", ["embeddings/image/pictures-aa11", "spaces/words-p1/image"])
def test_a_live_segment_without_a_vector_is_found(tmp_path, folder):
    """A manifest that forgot a part lacks its vectors in that space."""
    layout, whole = lake(tmp_path)
    lost = live_part(layout, whole, folder)
    files = [file for file in whole.files if file.path != lost]

    found = findings(layout, whole.model_copy(update={"files": files}))

    assert found == [(folder, "lacks the vectors of 1 of 3 live segments")]


def test_a_segment_twice_in_a_part_is_found(tmp_path):
    """Of two vectors of a segment in one part none is the right one."""
    layout, whole = lake(tmp_path)
    path = live_part(layout, whole, "spaces/words-p1/image")
    table = read_parts([layout.root / path])

    found = findings(layout, replaced(layout, whole, path, pa.concat_tables([table, table])))

    assert [place for place, why in found if "stand in it twice" in why] == [path]


def test_a_column_of_another_type_is_found(tmp_path):
    """A file by hand with other columns is said to be that; the other checks go on."""
    layout, whole = lake(tmp_path)
    items, spaces = whole.paths("items")[0], live_part(layout, whole, "spaces")
    worse = replaced(layout, whole, items, pa.table({"item_id": ["one"]}))
    worse = replaced(layout, worse, spaces, pa.table({"segment_id": pa.array([1], pa.int64())}))

    found = findings(layout, worse)

    assert (items, "column item_id is string, not int64") in found
    assert any(path == spaces and "column vector is None" in why for path, why in found)


@pytest.mark.parametrize(
    ("table", "column", "says"),
    [
        ("segments/text", "segment_id", "two descriptions"),
        ("items", "item_id", "ids that stand twice"),
    ],
)
def test_two_things_with_one_id_are_found(tmp_path, table, column, says):
    """A collision of ids is damage, though every file is as the manifest says."""
    layout, whole = lake(tmp_path)
    path = whole.paths(table)[0]
    rows = read_parts([layout.root / path])
    first = pa.array([rows[column][0].as_py()] * 2 + rows[column].to_pylist()[2:], pa.int64())
    worse = rows.set_column(rows.schema.get_field_index(column), rows.schema.field(column), first)

    found = findings(layout, replaced(layout, whole, path, worse))

    assert any(place == table and says in why for place, why in found)


def test_an_id_in_two_modalities_is_found(tmp_path):
    """A picture and a text cannot have one segment id."""
    layout, whole = lake(tmp_path)
    images = read_parts([layout.root / p for p in whole.paths("segments/image")])
    (extra,) = write_rows(layout.rows("segments/audio"), images)
    worse = whole.model_copy(update={"files": whole.files + entries(layout, [extra])})

    found = findings(layout, worse)

    assert any(path == "segments" and "ids in two modalities: 3" in why for path, why in found)
    assert ("segments/audio", "segments without an encoder: 3") in found


def test_a_cell_of_another_content_than_its_segment_is_found(tmp_path):
    """A cell under a live id that was cut from something else is a collision, or damage."""
    layout, whole = lake(tmp_path)
    path = live_part(layout, whole, "embeddings/text")
    table = read_parts([layout.root / path])
    other = table.set_column(1, table.schema.field("content_id"), pa.array(["other"]))

    ((place, why),) = findings(layout, replaced(layout, whole, path, other))

    assert place == path
    assert "another description" in why


def test_rows_of_items_that_are_none_are_found(tmp_path):
    """A segment and a file must lead to an item."""
    layout, whole = lake(tmp_path)
    path = whole.paths("items")[0]
    fewer = read_parts([layout.root / path]).slice(1)

    found = [place for place, why in findings(layout, replaced(layout, whole, path, fewer))]

    assert {"item_files", "segments/image", "segments/text"} <= set(found)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda rows: rows.slice(1), "lacks 1 of 3 items"),
        (lambda rows: pa.concat_tables([rows, rows.slice(0, 1)]), "two fused vectors"),
    ],
)
def test_fused_rows_are_the_items_with_vectors(tmp_path, change, says):
    """An item without its fused vector, or with two, is found."""
    layout, whole = lake(tmp_path)
    path = whole.paths("fused")[0]
    worse = change(read_parts([layout.root / path]))

    found = findings(layout, replaced(layout, whole, path, worse))

    assert any(says in why for _, why in found)


def test_a_fused_item_without_vectors_is_found(tmp_path):
    """An item whose segments are all gone has nothing that could be fused."""
    layout, whole = lake(tmp_path)
    worse = whole
    for table in ("segments/image", "segments/text"):
        path = whole.paths(table)[0]
        rows = read_parts([layout.root / path])
        owl = pc.equal(rows["item_id"], schemas.item_id("media", "owl"))
        worse = replaced(layout, worse, path, rows.filter(pc.invert(owl)))

    found = findings(layout, worse)

    assert any(
        place.startswith("fused/") and "has items without vectors: 1" in why
        for place, why in found
    )
    assert sum("holds ids that are no rows" in why for _, why in found) == 2


def test_a_cell_with_another_box_than_its_segment_is_found(tmp_path):
    """A box is part of what an id stands for; the rows and the cells say the same."""
    layout, whole = lake(tmp_path)
    path = whole.paths("segments/image")[0]
    table = read_parts([layout.root / path])
    place = table.column_names.index("box")
    boxes = pa.array([[0.0, 0.0, 0.5, 0.5], *[None] * (len(table) - 1)], schemas.BOX)
    worse = table.set_column(place, table.schema.field(place), boxes)

    ((_, why),) = findings(layout, replaced(layout, whole, path, worse))

    assert "1 cells have another description than their segments" in why
