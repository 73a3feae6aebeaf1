import duckdb
import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest

from mmcore.types import unit_rows
from storage.cells import PartRecord, part_path, read_record, write_cells
from storage.conversion import convert_cells
from storage.diff import diff
from storage.places.atomic import write_bytes
from storage.schemas import DTYPES, LENGTH_TOLERANCE, Modality, embeddings_schema
from storage.snapshot import Snapshot
from storage.tables import (
    part_metadata,
    part_writer,
    read_parts,
    vector_column,
    vectors_of,
    write_part,
)
from storage.verification.verify import verify
from storage.views import views_sql
from tests.factories import cells, entries, small_lake, unit_vectors

ROUNDED = 2.0**-11  # of itself, at most, by which float16 changes a number above 6e-5
FORMATS = [(dtype, codec) for dtype in DTYPES for codec in ("none", "zstd")]


def stored(table, dtype):
    """The table with vectors of another dtype."""
    column = vector_column(vectors_of(table), dtype)
    schema = embeddings_schema(column.type.list_size, dtype)
    return table.set_column(table.column_names.index("vector"), schema.field("vector"), column)


@pytest.mark.parametrize(("dtype", "codec"), FORMATS)
def test_every_reader_reads_every_format(tmp_path, dtype, codec):
    """DuckDB, Polars, pyarrow and we read the numbers that were written, whatever the setting."""
    table = cells(["a", "b", "c"])
    path = write_part(tmp_path / "p.parquet", stored(table, dtype), compression=codec)
    wanted = vectors_of(table).astype(dtype).astype(np.float32)

    rows = duckdb.sql(f"SELECT CAST(vector AS FLOAT[8]) AS v FROM read_parquet('{path}')")
    frame = pl.read_parquet(path)["vector"]
    arrow = pq.read_table(path)["vector"].combine_chunks().flatten()
    np.testing.assert_array_equal(np.array([row[0] for row in rows.fetchall()]), wanted)
    np.testing.assert_array_equal(frame.to_numpy().astype(np.float32), wanted)
    np.testing.assert_array_equal(arrow.to_numpy().reshape(3, 8).astype(np.float32), wanted)
    ours = vectors_of(read_parts([path]))
    assert ours.dtype == np.float32
    np.testing.assert_array_equal(ours, wanted)


@pytest.mark.parametrize(("dtype", "codec"), FORMATS)
def test_vectors_have_the_encoding_that_readers_know(tmp_path, dtype, codec):
    """Byte-stream-split goes with zstd and float32 alone: DuckDB cannot read it on float16."""
    path = write_part(tmp_path / "p.parquet", stored(cells(["a"]), dtype), compression=codec)
    group = pq.read_metadata(path).row_group(0)
    column = group.column(group.num_columns - 1)

    assert column.path_in_schema == "vector.list.element"
    split = "BYTE_STREAM_SPLIT" in column.encodings
    assert split == (dtype == "float32" and codec == "zstd")
    assert column.compression == {"none": "UNCOMPRESSED", "zstd": "ZSTD"}[codec]


def test_pieces_make_the_part_that_the_whole_makes(tmp_path):
    """Rows and footer are the same, written at once or table by table."""
    table = cells(["a", "b", "c"])
    whole = write_part(tmp_path / "whole.parquet", table, {"made by": "test"})
    pieces = tmp_path / "pieces.parquet"
    with part_writer(pieces, table.schema, {"made by": "test"}) as write:
        write(table.slice(0, 1))
        write(table.slice(1))

    assert read_parts([pieces]).equals(read_parts([whole]))
    assert part_metadata(pieces) == part_metadata(whole)


def test_a_rounded_unit_vector_is_still_one(rng):
    """Rounding to float16 moves a length by less than the tolerance grows for it."""
    vectors = unit_rows(rng.standard_normal((2000, 256)))
    even = unit_rows(np.full((1, 3000), 1.0))  # all numbers are rounded the same way
    for rows in (vectors, even):
        lengths = np.linalg.norm(rows.astype(np.float16).astype(np.float64), axis=1)
        room = LENGTH_TOLERANCE["float16"] - LENGTH_TOLERANCE["float32"]
        assert np.abs(lengths - 1).max() <= ROUNDED + 1e-6 <= room


def test_rounding_keeps_the_nearest(rng):
    """Of 5,000 vectors, the 10 nearest by float16 are nearly always those by float32.

    An inner product of unit vectors moves by 2^-11 at most; these are of noise, where the tenth
    and the eleventh lie closest together.
    """
    base = unit_rows(rng.standard_normal((5000, 128)))
    queries = unit_rows(rng.standard_normal((200, 128)))
    rounded = base.astype(np.float16).astype(np.float32)
    exact, near = queries @ base.T, queries @ rounded.T
    best, found = np.argsort(-exact)[:, :10], np.argsort(-near)[:, :10]
    overlap = np.mean([len(np.intersect1d(*pair)) / 10 for pair in zip(best, found, strict=True)])

    assert np.abs(exact - near).max() <= ROUNDED
    assert overlap >= 0.99


@pytest.mark.parametrize(("before", "after"), [DTYPES, DTYPES[::-1]])
def test_cells_are_converted_row_by_row(tmp_path, before, after):
    """Rows and record stay; numbers are as near as float16 is; the footer says from what."""
    table = stored(cells(["a", "b"]), before)
    record = PartRecord(("a", "b"))
    source = write_cells(part_path(tmp_path / "one", "s1"), table, record)

    path = convert_cells(source, tmp_path / "other", after, "zstd")

    found = read_parts([path])
    assert path.name == source.name
    assert found.schema == embeddings_schema(8, after)
    assert found.drop(["vector"]).equals(table.drop(["vector"]))
    np.testing.assert_allclose(vectors_of(found), vectors_of(table), atol=ROUNDED)
    assert read_record(path) == record
    assert part_metadata(path)["mmindex.converted_from"] == before
    assert convert_cells(source, tmp_path / "other", after, "none") == path


def test_a_converted_part_replaces_none_with_another_record(tmp_path):
    """Where the name is taken by a part with another outcome, both stay."""
    table = cells(["a"])
    source = write_cells(part_path(tmp_path / "one", "s"), table, PartRecord(("a",)))
    other = PartRecord(("a", "b"))
    taken = write_cells(part_path(tmp_path / "two", "s"), stored(table, "float16"), other)

    path = convert_cells(source, tmp_path / "two", "float16", "none")

    assert path != taken
    assert read_record(taken) == other


def halved(snapshot):
    """The snapshot as a run with float16 stores it: the same rows, in folders of their own."""
    layout, kept = snapshot.layout, []
    for file in snapshot.manifest.files:
        path = layout.root / file.path
        kind, *rest = file.path.split("/")
        at = {"embeddings": 1, "spaces": 0, "fused": 0}.get(kind)
        if at is not None:
            rest[at] += "-float16"
            table, name = read_parts([path]), "/".join([kind, *rest])
            place = table.column_names.index("vector")
            column = vector_column(vectors_of(table), "float16")
            field = table.schema.field("vector").with_type(column.type)
            table = table.set_column(place, field, column)
            path = write_part(layout.root / name, table, part_metadata(path))
        kept.append(path)
    told = {"files": entries(layout, kept), "dtype": "float16"}
    return Snapshot.of(layout, snapshot.manifest.model_copy(update=told))


def test_a_lake_of_float16_is_sound_and_read_as_float32(tmp_path, monkeypatch):
    """Opening, verifying, comparing and DuckDB's views follow the manifest's dtype."""
    before = small_lake(tmp_path)
    after = halved(before)
    write_bytes(after.layout.snapshot(1) / "views.sql", views_sql(after.manifest).encode())

    assert verify(after.layout, after.manifest).findings == ()
    ids, vectors = after.cells(Modality.IMAGE)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, before.cells(Modality.IMAGE)[1], atol=ROUNDED)
    assert after.fused()[1].shape == before.fused()[1].shape
    monkeypatch.chdir(tmp_path)
    connection = duckdb.connect()
    connection.execute(views_sql(after.manifest))
    seen = connection.execute("SELECT segment_id, vector FROM embeddings_image ORDER BY 1")
    rows = seen.fetchall()
    assert [row[0] for row in rows] == ids.tolist()
    np.testing.assert_array_equal(np.array([row[1] for row in rows], np.float32), vectors)
    assert connection.execute("SELECT count(*) FROM fused").fetchone() == (3,)
    assert diff(before, after).items == diff(before, before).items


def test_vectors_of_another_length_are_no_cells(tmp_path):
    """The tolerance of float16 is for rounding: a vector of length 0.99 is refused."""
    table = stored(cells(["a"]), "float16")
    short = vector_column(unit_vectors(1, 8) * np.float32(0.99), "float16")
    table = table.set_column(
        table.column_names.index("vector"), table.schema.field("vector"), short
    )

    with pytest.raises(ValueError, match="length"):
        write_cells(tmp_path / "p.parquet", table, PartRecord(("a",)))
