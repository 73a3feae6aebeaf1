import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from storage import rewrite
from storage.cells import part_path, write_cells
from storage.errors import CorruptLakeError
from storage.records import PartRecord, read_record
from storage.schemas import projected_schema
from storage.tables import part_metadata, read_parts, vector_column, write_part
from tests.factories import cells, rejection, unit_vectors


@pytest.fixture
def part(tmp_path):
    """A part of three contents, of which one was refused, and one without segments."""
    record = PartRecord(("a", "b", "bad", "silent"), (rejection("bad"),), {"device": "cpu"})
    return write_cells(part_path(tmp_path, "s1"), cells(["a", "b"], segments=2), record)


def contents(path):
    """The contents of a part's rows."""
    return read_parts([path], ["content_id"])["content_id"].to_pylist()


def without(path, contents, folder):
    """A part of cells without some contents."""
    return rewrite.merged(folder, [path], read_record(path).without(contents))


def projected_of(path, folder, **metadata):
    """Vectors of another space for the segments of a part."""
    ids = read_parts([path], ["segment_id"])["segment_id"]
    rows = [ids, vector_column(unit_vectors(len(ids), 6))]
    table = pa.Table.from_arrays(rows, schema=projected_schema(6))
    return write_part(folder / path.name, table, metadata)


def test_a_part_without_a_content_has_the_rest_as_it_was(part):
    """Rows, record and footer lack it; the old part lies where it was."""
    before, whole = part.read_bytes(), read_parts([part])

    new = without(part, {"a", "bad"}, part.parent)

    assert new != part
    assert part.read_bytes() == before
    assert read_parts([new]).to_pylist() == whole.slice(2).to_pylist()
    assert read_record(new) == PartRecord(("b", "silent"), (), {"device": "cpu"})
    assert b"bad" not in new.read_bytes()


def test_projected_vectors_follow_their_cells(part, tmp_path):
    """By the segments' ids, under the name of the rewritten part, with the old footer."""
    old = projected_of(part, tmp_path / "space", **{"mmindex.space": "words/p1"})
    new = without(part, {"a"}, part.parent)

    found = rewrite.projected(tmp_path / "space", new, [old])

    assert found == tmp_path / "space" / new.name
    assert read_parts([found]).to_pylist() == read_parts([old]).slice(2).to_pylist()
    assert part_metadata(found) == part_metadata(old)


def test_projected_vectors_that_are_not_there_are_missed(part, tmp_path):
    """What should have them is damaged."""
    old = projected_of(without(part, {"a"}, part.parent), tmp_path / "space")

    with pytest.raises(CorruptLakeError, match="2 of the 4 segments"):
        rewrite.projected(tmp_path / "space", part, [old])


@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_a_codec_is_kept(tmp_path, compression):
    """Vectors are stored as they were."""
    old = write_cells(
        part_path(tmp_path, "s1"),
        cells(["a", "b"]),
        PartRecord(("a", "b")),
        compression=compression,
    )

    new = without(old, {"a"}, tmp_path)

    assert rewrite.compression_of([new]) == rewrite.compression_of([old]) == compression


def test_many_small_parts_become_whole_row_groups(tmp_path, monkeypatch):
    """Row groups have the size of a part that was written at once."""
    sources = [
        write_cells(part_path(tmp_path, name), cells([name]), PartRecord((name,)))
        for name in "abcdefg"
    ]
    monkeypatch.setattr(rewrite, "rows_per_group", lambda _: 3)

    new = rewrite.merged(tmp_path, sources, PartRecord(tuple("abcdefg")))

    stored = pq.read_metadata(new)
    sizes = [stored.row_group(group).num_rows for group in range(stored.num_row_groups)]
    assert sizes == [3, 3, 1]
    assert contents(new) == list("abcdefg")


def test_memory_does_not_grow_with_a_part(tmp_path, monkeypatch):
    """A part is read and written by row groups."""
    monkeypatch.setattr("storage.formats._GROUP_BYTES", 1 << 16)
    names = [f"c{number}" for number in range(8000)]
    old = write_cells(part_path(tmp_path, "s1"), cells(names, 64), PartRecord(tuple(names)))
    before = pa.default_memory_pool()
    pool = pa.proxy_memory_pool(before)
    pa.set_memory_pool(pool)
    try:
        new = without(old, set(names[:10]), tmp_path)
    finally:
        pa.set_memory_pool(before)

    assert len(contents(new)) == len(names) - 10
    assert pool.max_memory() < old.stat().st_size
