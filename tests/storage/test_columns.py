"""Parts of an older schema version beside those of today."""

import pyarrow as pa
import pytest

from storage.cells import live_descriptions, part_path, write_cells
from storage.columns import comparable
from storage.conversion import convert_cells
from storage.errors import CorruptLakeError
from storage.records import PartRecord
from storage.rewrite import merged
from storage.schemas import BOX, DESCRIPTIONS, SCHEMA_VERSION, embeddings_schema
from storage.tables import part_metadata, read_parts, stream_part, write_part
from tests.factories import box, cells, made_older, thumbnail


@pytest.fixture
def old(tmp_path):
    """Cells that version 2 wrote."""
    path = part_path(tmp_path, "old")
    return made_older(write_cells(path, cells(["a"], segments=2), PartRecord(("a",))))


@pytest.fixture
def new(tmp_path):
    """Cells of today."""
    return write_cells(part_path(tmp_path, "s"), cells(["b"], segments=2), PartRecord(("b",)))


def test_a_column_that_came_later_is_null(old):
    """An older part has today's columns in today's order, where they are asked for."""
    (*_, table) = stream_part(old, like=embeddings_schema(8))

    assert table.schema == embeddings_schema(8)
    assert [table[n].null_count for n in ("box", "kind", "thumbnail")] == [2, 2, 2]
    assert read_parts([old], ["box", "text"], like=DESCRIPTIONS).to_pylist() == [
        {"box": None, "text": "a"},
        {"box": None, "text": "a"},
    ]


def test_only_late_columns_of_an_older_part(old):
    """Nothing is read, and there are as many nulls as rows."""
    assert read_parts([old], ["kind"], like=DESCRIPTIONS)["kind"].to_pylist() == [None, None]


def test_older_and_new_parts_are_read_together(old, new):
    """The rows of one table: what the older one lacks is null there alone."""
    table = read_parts([old, new], DESCRIPTIONS.names, like=DESCRIPTIONS)

    assert table.schema == DESCRIPTIONS
    assert table["box"].to_pylist() == [None, None, None, list(box(1))]
    assert table["kind"].to_pylist() == [None, None, None, "region"]
    assert live_descriptions([old, new], {"a", "b"}).num_rows == 4


def test_a_part_of_today_that_lacks_a_column_is_damaged(tmp_path):
    """Nulls stand for what could not be known, not for what was lost."""
    path = write_part(tmp_path / "part-1.parquet", cells(["a"]).drop_columns("kind"))

    with pytest.raises(CorruptLakeError, match="has no column kind"):
        read_parts([path], ["kind"], like=DESCRIPTIONS)


@pytest.mark.parametrize("first", ["old", "new"])
def test_older_cells_are_merged_with_new_ones(tmp_path, old, new, first):
    """The new part is one of today's; boxes and thumbnails stay, where there are some."""
    sources = [old, new] if first == "old" else [new, old]

    part = merged(tmp_path, sources, PartRecord(("a", "b")))

    rows = {(r["content_id"], r["unit"]): r for r in read_parts([part]).to_pylist()}
    assert read_parts([part]).schema == embeddings_schema(8)
    assert part_metadata(part)["mmindex.schema_version"] == str(SCHEMA_VERSION)
    assert rows["a", "char"]["box"] is rows["a", "char"]["thumbnail"] is None
    assert rows["b", "char"]["box"] == list(box(1))
    assert rows["b", "char"]["thumbnail"] == thumbnail("b", 1)


def test_older_cells_are_converted(tmp_path, old):
    """Another dtype of an older part is a part of today."""
    part = convert_cells(old, tmp_path / "float16", "float16", "none")

    assert read_parts([part]).schema == embeddings_schema(8, "float16")
    assert read_parts([part])["thumbnail"].null_count == 2


def test_boxes_are_compared_by_their_numbers():
    """Arrow compares no lists: each of the four numbers is a column."""
    table = pa.table({"a": [1, 2], "box": pa.array([[0.0, 0.25, 0.5, 1.0], None], BOX)})

    assert comparable(table).to_pylist() == [
        {"a": 1, "box 0": 0.0, "box 1": 0.25, "box 2": 0.5, "box 3": 1.0},
        {"a": 2, "box 0": None, "box 1": None, "box 2": None, "box 3": None},
    ]
