import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import schemas, tables
from storage.cutting import cuts, key_hashes, stretch_rows, stretches
from tests.factories import unit_vectors

SIZE = 64
BOUNDS = SIZE // 4, SIZE * 4


def ids_table(n, seed=0):
    """Rows with sorted ids as ours are: hashes of 63 bits."""
    ids = np.random.default_rng(seed).integers(0, 2**63, n)
    return pa.table({"item_id": np.unique(ids), "n": np.arange(n)})


def names_table(n):
    """Rows with sorted paths as people number them."""
    paths = [f"album/IMG_{number:05}.jpg" for number in range(n)]
    return pa.table({"root": ["media"] * n, "path": paths, "n": np.arange(n)})


@pytest.fixture
def small(monkeypatch):
    """Parts of 64 rows."""
    monkeypatch.setattr("storage.cutting.PART_ROWS", SIZE)


@pytest.mark.parametrize("table", [ids_table(5000), names_table(5000)], ids=["ids", "names"])
def test_stretches_are_the_table_in_order_and_bounded(small, table):
    """Every row is in one stretch, and each has a quarter of the size to four times as many."""
    found = list(stretches(table))

    assert pa.concat_tables(found).equals(table)
    assert all(BOUNDS[0] <= rows.num_rows <= BOUNDS[1] for rows in found)
    assert 5000 / 2 / SIZE < len(found) < 5000 / SIZE * 2


def changed(table, place, how):
    """One row gone, come, or with another value."""
    if how == "gone":
        return pa.concat_tables([table.slice(0, place), table.slice(place + 1)])
    if how == "come":
        row = table.slice(place, 1)
        key = {"item_id": lambda i: i + 1, "path": lambda p: f"{p}~"}
        columns = {
            name: [key[name](value) if name in key else value for value in values]
            for name, values in row.to_pydict().items()
        }
        new = pa.table(columns, schema=table.schema)
        return pa.concat_tables([table.slice(0, place + 1), new, table.slice(place + 1)])
    values = table["n"].to_numpy().copy()
    values[place] = -1
    return table.set_column(table.column_names.index("n"), "n", pa.array(values))


@pytest.mark.parametrize("table", [ids_table(5000), names_table(5000)], ids=["ids", "names"])
@pytest.mark.parametrize("how", ["gone", "come", "other"])
def test_a_change_of_a_row_rewrites_the_stretch_around_it(small, tmp_path, table, how):
    """All other parts keep their names: at most four new ones, usually one, of some eighty."""
    before = set(tables.write_rows(tmp_path, table))
    new = [
        len(set(tables.write_rows(tmp_path, changed(table, place, how))) - before)
        for place in range(0, table.num_rows, 250)
    ]

    assert max(new) <= 4
    assert sum(new) / len(new) < 1.5


@pytest.mark.parametrize("n", [0, 1, SIZE])
def test_a_small_table_is_one_part(small, n):
    """Also an empty one: its columns count."""
    assert [rows.num_rows for rows in stretches(ids_table(n))] == [n]


def test_rows_of_one_key_stay_together(small):
    """An item's files are in one part, in their order."""
    table = pa.table({"item_id": np.repeat(ids_table(500)["item_id"].to_numpy(), 5)})

    assert all(len(rows) % 5 == 0 for rows in stretches(table))


def test_a_key_that_fills_the_table_is_cut_all_the_same(small):
    """Where no row begins another key, the bound still holds."""
    lengths = [rows.num_rows for rows in stretches(pa.table({"item_id": [7] * 2000}))]

    assert sum(lengths) == 2000
    assert max(lengths) <= BOUNDS[1]


@pytest.mark.parametrize(
    ("dim", "dtype", "rows"),
    [(512, "float32", 8192), (512, "float16", 16384), (2, "float32", 65536)],
)
def test_parts_of_vectors_have_about_16_mb(dim, dtype, rows):
    """16 MiB / (512 numbers × 4 bytes) = 8192; never more rows than others have."""
    assert stretch_rows(schemas.fused_schema(dim, dtype)) == rows


def test_vectors_are_cut_by_their_ids(tmp_path, monkeypatch):
    """A vector that changes rewrites its part, which keeps its rows."""
    monkeypatch.setattr("storage.cutting.PART_BYTES", SIZE * 3 * 4)
    ids, vectors = ids_table(1000)["item_id"], unit_vectors(1000, 3)
    before = tables.write_rows(
        tmp_path, pa.table([ids, tables.vector_column(vectors)], ["item_id", "v"])
    )
    vectors[500] = unit_vectors(1, 3, seed=5)
    after = tables.write_rows(
        tmp_path, pa.table([ids, tables.vector_column(vectors)], ["item_id", "v"])
    )

    assert len(before) > 8
    assert [one == other for one, other in zip(before, after, strict=True)].count(False) == 1


def test_nulls_and_letters_of_any_script_have_a_hash():
    """Keys are texts as they come."""
    table = pa.table({"root": ["a", None, "a"], "path": ["猫", "猫", "猫"], "n": [1, 2, 3]})
    hashes = key_hashes(table)

    assert hashes[0] == hashes[2] != hashes[1]


def test_a_table_without_a_key_is_refused(small):
    """Rows must begin with what sorts them."""
    table = pa.table({"score": np.arange(SIZE + 1, dtype=np.float64)})

    with pytest.raises(TypeError, match="score"):
        list(stretches(table))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, 2**32 - 1), max_size=300), st.integers(1, 40))
def test_cuts_keep_their_bounds_whatever_the_hashes(hashes, size):
    """Ascending, and no stretch shorter or longer than it may be."""
    places = cuts(np.array(hashes, dtype=np.uint32), size)
    lengths = np.diff([0, *places, len(hashes)])

    assert len(places) == 0 or lengths.min() >= max(1, size // 4)
    assert len(hashes) == 0 or lengths.max() <= max(4 * size, size)
