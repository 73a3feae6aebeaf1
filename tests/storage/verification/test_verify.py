"""Snapshots are verified: files, counts, views and columns."""

import pytest

from storage.layout import Layout
from storage.publication import publish, roll_back
from storage.tables import read_parts
from storage.verification.verify import verify
from tests.factories import candidate, entries, made_older, manifest, small_lake
from tests.lakes import coloured_items, make_lake, towers
from tests.storage.verification.finding import all_findings, findings, lake, replaced


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


def test_indexing_after_a_rollback_goes_on_from_the_snapshot_that_serves(tmp_path):
    """The next snapshot has the rolled back to one as parent, a new number, and is sound."""
    layout = small_lake(tmp_path, ("cat", "owl")).layout
    publish(layout, candidate(layout, ("cat",)))
    roll_back(layout, 1)

    third = publish(layout, candidate(layout, ("cat", "owl", "fox")))

    assert (third.number, third.parent) == (3, 1)
    assert findings(layout, third) == []


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
