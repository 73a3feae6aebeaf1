import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import schemas, tables
from storage.errors import CorruptLakeError
from tests.factories import cells, unit_vectors

PLAIN = pa.table(
    {"name": ["猫", None, "dog"], "n": pa.array([1, 2, None]), "tags": [["a"], [], None]}
)


def test_a_part_reads_back_as_it_was_written(tmp_path):
    """Rows, nulls, lists and Chinese come back; the footer has the version and our keys."""
    path = tables.write_part(tmp_path / "数据" / "part-1.parquet", PLAIN, {"made by": "测试"})

    assert tables.read_parts([path]).equals(PLAIN)
    assert tables.part_metadata(path) == {
        "mmindex.schema_version": str(schemas.SCHEMA_VERSION),
        "made by": "测试",
    }
    assert tables.part_rows(path) == 3


def test_vectors_come_back_bit_for_bit_and_without_a_copy(tmp_path):
    """Vectors keep their bits; one chunk becomes an array without a copy."""
    vectors = unit_vectors(5, 3)
    path = tables.write_part(
        tmp_path / "p.parquet", pa.table({"vector": tables.vector_column(vectors)})
    )
    table = tables.read_parts([path])
    read = tables.vectors_of(table)

    assert np.array_equal(read, vectors)
    assert read.dtype == np.float32
    assert np.shares_memory(read, tables.vectors_of(table))


@pytest.mark.parametrize("n", [0, 1, 4])
def test_vectors_of_a_slice_or_of_many_chunks_are_its_own(n):
    """Offsets and chunks do not mix rows up."""
    vectors = unit_vectors(6, 3)
    table = pa.table({"vector": tables.vector_column(vectors)})
    chunked = pa.concat_tables([table.slice(0, 2), table.slice(2)])

    assert np.array_equal(tables.vectors_of(table.slice(2, n)), vectors[2 : 2 + n])
    assert np.array_equal(tables.vectors_of(chunked.slice(1, n)), vectors[1 : 1 + n])


def test_vectors_are_stored_plain(tmp_path):
    """A vector column has no dictionary, no codec and no statistics; a text column has them."""
    path = tables.write_part(tmp_path / "p.parquet", cells(["a", "b"]))
    group = pq.read_metadata(path).row_group(0)
    columns = {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}
    vector = columns["vector.list.element"]

    assert vector.compression == "UNCOMPRESSED"
    assert not any("DICTIONARY" in encoding for encoding in vector.encodings)
    assert not vector.is_stats_set
    assert columns["content_id"].compression == "ZSTD"
    assert columns["segment_id"].is_stats_set


def test_row_groups_are_bounded(tmp_path):
    """Vectors of 8192 numbers are cut at 1024 rows, so that no reader must hold them all."""
    vectors = np.zeros((1500, 8192), np.float32)
    path = tables.write_part(
        tmp_path / "p.parquet", pa.table({"vector": tables.vector_column(vectors)})
    )

    assert [t.num_rows for t in tables.stream_part(path)] == [0, 1024, 476]


def test_polars_reads_a_part(tmp_path):
    """Polars reads the Parquet without us, vectors as arrays of their dimension."""
    table = cells(["猫", "dog"])
    path = tables.write_part(tmp_path / "p.parquet", table)
    frame = pl.read_parquet(path)

    assert frame["content_id"].to_list() == ["猫", "dog"]
    assert frame.schema["vector"] == pl.Array(pl.Float32, 8)
    assert np.array_equal(frame["vector"].to_numpy(), tables.vectors_of(table))


def test_equal_rows_are_one_file(tmp_path):
    """Rows name their file: the same rows, however chunked, give the same file and keep it."""
    (path,) = tables.write_rows(tmp_path, PLAIN)
    written = path.stat().st_mtime_ns
    again = tables.write_rows(tmp_path, pa.concat_tables([PLAIN.slice(0, 1), PLAIN.slice(1)]))

    assert again == [path]
    assert path.stat().st_mtime_ns == written
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize(
    "other",
    [
        PLAIN.slice(0, 2),
        PLAIN.rename_columns(["name", "m", "tags"]),
        PLAIN.set_column(1, "n", pa.array([1.0, 2.0, None])),
        PLAIN.set_column(1, "n", pa.array([1, None, 2])),
        PLAIN.set_column(2, "tags", pa.array([["a"], None, []])),
        PLAIN.set_column(0, "name", pa.array(["猫d", None, "og"])),
    ],
)
def test_other_rows_are_another_file(other):
    """A row, a name, a type, a place of a null or a boundary of texts changes the name."""
    assert tables.rows_digest(other) != tables.rows_digest(PLAIN)


row = st.fixed_dictionaries(
    {
        "a": st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=3),
        "b": st.none() | st.integers(0, 3),
        "c": st.none() | st.lists(st.none() | st.booleans(), max_size=2),
        "d": st.none() | st.datetimes(),
        "e": st.none() | st.binary(max_size=2),
    }
)
schema = pa.schema(
    {
        "a": pa.string(),
        "b": pa.int32(),
        "c": pa.list_(pa.bool_()),
        "d": pa.timestamp("us"),
        "e": pa.binary(),
    }
)


@settings(max_examples=50, deadline=None)
@given(st.lists(row, max_size=5), st.lists(row, max_size=5), st.integers(0, 5))
def test_the_digest_tells_tables_by_their_rows_alone(first, second, cut):
    """Two tables have the same digest exactly if they have the same rows."""
    one, two = (pa.Table.from_pylist(rows, schema=schema) for rows in (first, second))
    cut_up = pa.concat_tables([one.slice(0, cut), one.slice(cut)])

    assert tables.rows_digest(cut_up) == tables.rows_digest(one)
    assert (tables.rows_digest(one) == tables.rows_digest(two)) == (first == second)


def test_columns_that_only_some_parts_have_are_null_elsewhere(tmp_path):
    """The user's columns may come and go between parts."""
    (old,) = tables.write_rows(tmp_path, pa.table({"id": [1]}))
    (new,) = tables.write_rows(tmp_path, pa.table({"id": [2], "colour": ["red"]}))

    assert tables.read_parts([old, new]).to_pylist() == [
        {"id": 1, "colour": None},
        {"id": 2, "colour": "red"},
    ]
    assert tables.read_parts([new, old], ["colour", "id"]).column_names == ["colour", "id"]


def test_columns_come_in_the_order_asked_for(tmp_path):
    """The caller's order of columns stands, and an unknown one is an error."""
    (path,) = tables.write_rows(tmp_path, PLAIN)

    assert tables.read_parts([path], ["tags", "name"]).column_names == ["tags", "name"]
    with pytest.raises(CorruptLakeError):
        tables.read_parts([path], ["name", "nome"])


def test_parts_that_do_not_fit_are_an_error(tmp_path):
    """A column that is a number in one part and a text in the other is not guessed at."""
    paths = [
        path
        for ids in ([1], ["one"])
        for path in tables.write_rows(tmp_path, pa.table({"id": ids}))
    ]

    with pytest.raises(CorruptLakeError):
        tables.read_parts(paths)


def cut_short(content):
    """Half of a file."""
    return content[: len(content) // 2]


def bit_flipped(content):
    """A file with one bit changed in the middle of its numbers."""
    at = len(content) // 4
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize(
    "damage", [cut_short, bit_flipped, lambda content: b"", lambda content: b"PAR1" * 9]
)
def test_a_damaged_part_is_named(tmp_path, damage):
    """A part that ends early, lost a bit, is empty or no Parquet raises an error that names it."""
    table = pa.table({"vector": tables.vector_column(unit_vectors(200, 64))})
    good = tables.write_part(tmp_path / "good.parquet", table)
    bad = tmp_path / "bad.parquet"
    bad.write_bytes(damage(good.read_bytes()))

    with pytest.raises(CorruptLakeError) as caught:
        tables.read_parts([good, bad])
    assert caught.value.path == bad
    assert "\n" not in str(caught.value)


def test_a_missing_part_is_named(tmp_path):
    """A part that is not there raises an error that names it."""
    with pytest.raises(CorruptLakeError) as caught:
        tables.read_parts([tmp_path / "gone.parquet"])
    assert caught.value.path == tmp_path / "gone.parquet"
