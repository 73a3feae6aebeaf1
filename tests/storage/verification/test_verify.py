import json

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from storage import schemas
from storage.indexes.card import IndexCard
from storage.indexes.choosing.build import build_index
from storage.indexes.files import write_index
from storage.layout import Layout
from storage.publication import publish, roll_back
from storage.tables import read_parts, vector_column, vectors_of, write_part, write_rows
from storage.verification.findings import Finding
from storage.verification.verify import verify
from tests.factories import WHEN, candidate, entries, made_older, manifest, small_lake
from tests.lakes import coloured_items, make_lake, towers


def all_findings(layout, manifest):
    """What verifying finds, as (path, why)."""
    return [(finding.path, finding.why) for finding in verify(layout, manifest).findings]


def findings(layout, manifest):
    """The same without the views, which follow a manifest that a test has changed."""
    return [one for one in all_findings(layout, manifest) if not one[0].endswith("views.sql")]


def replaced(layout, whole, path, table):
    """``whole`` with other rows in the file ``path``, as if they had been written there."""
    (layout.root / path).unlink()
    write_part(layout.root / path, table)
    files = [file for file in whole.files if file.path != path]
    return whole.model_copy(update={"files": files + entries(layout, [layout.root / path])})


def lake(tmp_path):
    """Layout and manifest of a small lake with dead rows."""
    snapshot = small_lake(tmp_path / "湖", dead=("old",))
    return snapshot.layout, snapshot.manifest


def test_a_whole_snapshot_is_sound(tmp_path):
    """Every file of a lake is read and nothing is found, dead rows or not."""
    layout, whole = lake(tmp_path)

    found = verify(layout, whole)

    assert found.findings == ()
    assert (found.number, found.files) == (1, len(whole.files))
    assert found.bytes == sum(file.bytes for file in whole.files)


@pytest.mark.parametrize("views", [None, "garbage", "-- SELECT 1"])
def test_views_that_are_not_the_manifests_are_found_and_written_by_a_rollback(tmp_path, views):
    """No manifest names views.sql, but people read the lake by it."""
    layout, whole = lake(tmp_path)
    path = layout.snapshot(1) / "views.sql"
    before = path.read_text("utf-8")
    path.unlink()
    if views is not None:
        path.write_text(views, "utf-8")

    ((name, why),) = all_findings(layout, whole)
    assert (name, "snapshots rollback 1" in why) == ("snapshots/1/views.sql", True)
    roll_back(layout, 1)
    assert path.read_text("utf-8") == before
    assert all_findings(layout, whole) == []


def test_views_that_another_version_wrote_are_compared_by_what_they_name(tmp_path):
    """It may have said the same in other words; a file that it does not name is found."""
    layout, whole = lake(tmp_path)
    older = whole.model_copy(update={"software": {"mmindex": "0.0.1"}})
    path = layout.snapshot(1) / "views.sql"
    text = path.read_text("utf-8")

    path.write_text(text.replace("union_by_name = true, ", ""), "utf-8")
    assert all_findings(layout, older) == []
    path.write_text(text[: len(text) // 2], "utf-8")
    assert [name for name, _ in all_findings(layout, older)] == ["snapshots/1/views.sql"]


def test_real_and_empty_lakes_are_sound(tmp_path):
    """An encoder with a space of its own, no items, and no tables at all are no damage."""
    made = make_lake(tmp_path, coloured_items(), towers(audio=True))
    empty = small_lake(tmp_path / "empty", ())

    assert findings(made.layout, made.manifest) == []
    assert findings(empty.layout, empty.manifest) == []
    assert findings(Layout(tmp_path), manifest()) == []


@pytest.mark.parametrize("table", ["files", "items", "embeddings", "spaces", "fused", "indexes"])
@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda raw: raw[:60] + bytes([raw[60] ^ 1]) + raw[61:], "has another checksum"),
        (lambda raw: raw[:-9] + b"x" + raw[-8:], "has another checksum"),
        (lambda raw: raw[:50], "bytes, not"),
        (lambda raw: b"", "has 0 bytes"),
        (lambda raw: None, "is missing"),
    ],
)
def test_a_damaged_file_is_the_finding(tmp_path, table, damage, why):
    """A byte that flipped, a short file and one that is gone are named, whatever they hold."""
    layout, whole = lake(tmp_path)
    path = whole.paths(table)[0]
    raw = damage((layout.root / path).read_bytes())
    (layout.root / path).unlink()
    if raw is not None:
        (layout.root / path).write_bytes(raw)

    found = dict(findings(layout, whole))

    assert why in found[path]
    assert verify(layout, whole).bytes < sum(file.bytes for file in whole.files)


def test_all_damage_is_found_in_one_go(tmp_path):
    """Verifying does not stop at the first damaged file."""
    layout, whole = lake(tmp_path)
    for path in (first := [whole.paths(table)[0] for table in ("files", "spaces", "indexes")]):
        (layout.root / path).unlink()

    missing = [path for path, why in findings(layout, whole) if why == "is missing"]

    assert missing == sorted(first)


def test_a_row_count_that_is_not_the_manifests_is_found(tmp_path):
    """A manifest that tells other rows than the footer is found out."""
    layout, whole = lake(tmp_path)
    path = whole.paths("items")[0]
    files = [f.model_copy(update={"rows": 9}) if f.path == path else f for f in whole.files]

    found = findings(layout, whole.model_copy(update={"files": files}))

    assert found == [(path, "has 3 rows, not 9")]


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
    [("segments/text", "segment_id", "two descriptions"), ("items", "item_id", "ids stand twice")],
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

    assert any(
        path == "segments" and "3 ids stand in two modalities" in why for path, why in found
    )
    assert ("segments/audio", "3 segments, and no encoder") in found


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

    assert any(place.startswith("fused/") and "has 1 items without" in why for place, why in found)
    assert sum("holds ids that are no rows" in why for _, why in found) == 2


def test_a_foreign_index_is_found(tmp_path):
    """An index over other ids answers with rows that are not there, and lacks those that are."""
    layout, whole = lake(tmp_path)
    named = next(index for index in whole.indexes if index.modality == "image")
    vectors = np.eye(3, 6, dtype=np.float32)
    index = build_index(np.array([1, 2, 3]), vectors)
    card = IndexCard(
        space=named.space, modality="image", dim=6, rows=3, created_at=WHEN, build="foreign"
    )
    folder = write_index(layout.index("foreign", "foreign"), index, card)
    foreign = named.model_copy(update={"path": layout.relative(folder)})
    files = whole.files + entries(layout, [folder / "index.faiss", folder / "index.json"])
    worse = whole.model_copy(update={"indexes": [foreign], "files": files})

    assert verify(layout, worse).findings == (
        Finding(foreign.path, "holds ids that are no rows: 3, first 1"),
        Finding(foreign.path, f"lacks ids of its rows: 3, first {min(ids(layout, whole))}"),
    )


def ids(layout, whole):
    """The segments of the pictures."""
    paths = [layout.root / path for path in whole.paths("segments/image")]
    return read_parts(paths)["segment_id"].to_pylist()


def test_an_index_that_the_manifest_does_not_name_is_found(tmp_path):
    """An index whose files are not listed would not survive a cleaning."""
    layout, whole = lake(tmp_path)
    path = whole.indexes[0].path
    files = [file for file in whole.files if not file.path.startswith(path)]

    found = findings(layout, whole.model_copy(update={"files": files}))

    names = ("index.faiss", "index.json")
    assert found == [(f"{path}/{name}", "is not among the manifest's files") for name in names]


def test_a_card_of_another_index_is_found(tmp_path):
    """Rows, dimensions and space of an index are those that its manifest tells."""
    layout, whole = lake(tmp_path)
    named = whole.indexes[0]
    card = layout.root / named.path / "index.json"
    card.write_text(json.dumps(json.loads(card.read_text("utf-8")) | {"space": "other"}), "utf-8")
    name = layout.relative(card)
    files = [file for file in whole.files if file.path != name] + entries(layout, [card])

    found = findings(layout, whole.model_copy(update={"files": files}))

    assert found == [(name, "is not the index its manifest names")]


def test_an_index_of_no_modality_is_found(tmp_path):
    """An index that no search could ask is said to be that."""
    layout, whole = lake(tmp_path)
    odd = whole.indexes[0].model_copy(update={"modality": "smell"})

    found = findings(layout, whole.model_copy(update={"indexes": [odd]}))

    assert found == [(odd.path, "is of the modality smell, which there is not")]


def test_indexing_after_a_rollback_goes_on_from_the_snapshot_that_serves(tmp_path):
    """The next snapshot has the rolled back to one as parent, a new number, and is sound."""
    layout = small_lake(tmp_path, ("cat", "owl")).layout
    publish(layout, candidate(layout, ("cat",)))
    roll_back(layout, 1)

    third = publish(layout, candidate(layout, ("cat", "owl", "fox")))

    assert (third.number, third.parent) == (3, 1)
    assert findings(layout, third) == []


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


def test_a_part_of_today_without_a_column_of_today_is_found(tmp_path):
    """Only an older part may lack it."""
    layout, whole = lake(tmp_path)
    path = whole.paths("segments/image")[0]
    table = read_parts([layout.root / path])

    worse = replaced(layout, whole, path, table.drop_columns("kind"))
    assert (path, "column kind is None, not string") in findings(layout, worse)

    again = replaced(layout, whole, path, table)
    made_older(layout.root / path)
    others = [file for file in again.files if file.path != path]
    older = again.model_copy(update={"files": others + entries(layout, [layout.root / path])})
    assert findings(layout, older) == []
