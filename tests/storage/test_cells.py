from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from storage.cells import (
    finished_contents,
    live_descriptions,
    live_parts,
    part_path,
    refuse_collision,
    refuse_shared,
    standing_rejections,
    write_cells,
)
from storage.errors import CorruptLakeError, IdCollisionError
from storage.places.place import Listed
from storage.records import Footers, PartRecord, read_record
from storage.schemas import embeddings_schema
from storage.tables import part_metadata, read_parts, vector_column, write_part
from tests.factories import cells, rejection, unit_vectors


def with_vectors(table, vectors):
    """The cells with other vectors."""
    return table.set_column(table.column_names.index("vector"), "vector", vector_column(vectors))


def test_a_part_has_its_cells_and_its_record(tmp_path):
    """A shard is one file: its cells, and in the footer what is done, refused and used."""
    record = PartRecord(
        ("a", "b", "坏"), (rejection("坏", path="坏\udce4.jpg"),), {"dtype": "float32"}
    )
    path = write_cells(part_path(tmp_path, "s1"), cells(["a", "b"], segments=2), record)

    assert path.name == "part-s1.parquet"
    assert read_parts([path]).to_pylist() == cells(["a", "b"], segments=2).to_pylist()
    assert read_record(path) == record


def test_a_shard_without_cells_is_still_a_part(tmp_path):
    """A shard whose contents were all refused, or have no segments, is recorded as done."""
    record = PartRecord(("a", "silent"), (rejection("a"),))
    path = write_cells(part_path(tmp_path, "s1"), embeddings_schema(8).empty_table(), record)

    assert read_parts([path]).num_rows == 0
    assert finished_contents(tmp_path, ["pillow 1"]) == {"a", "silent"}


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 0.0, 2.0])
def test_a_vector_that_has_no_length_of_one_is_refused(tmp_path, wrong):
    """A NaN, an infinity, a zero row or an unscaled one never reaches the disk."""
    vectors = unit_vectors(2, 8)
    vectors[1] *= wrong
    with pytest.raises(ValueError, match="row 1"):
        write_cells(
            tmp_path / "p.parquet",
            with_vectors(cells(["a", "b"]), vectors),
            PartRecord(("a", "b")),
        )

    assert list(tmp_path.iterdir()) == []


def test_a_segment_that_comes_twice_is_refused(tmp_path):
    """One part has a segment once."""
    with pytest.raises(ValueError, match="2 times"):
        write_cells(tmp_path / "p.parquet", cells(["a", "a"]), PartRecord(("a",)))


def test_a_cell_of_an_unrecorded_content_is_refused(tmp_path):
    """A part records every content it has cells of."""
    with pytest.raises(ValueError, match="content b"):
        write_cells(tmp_path / "p.parquet", cells(["a", "b"]), PartRecord(("a",)))


def test_a_missing_value_is_refused(tmp_path):
    """A column that must have values has them."""
    table = cells(["a"])
    missing = table.set_column(1, "content_id", pa.array([None], pa.string()))
    with pytest.raises(ValueError, match="content_id"):
        write_cells(tmp_path / "p.parquet", missing, PartRecord(("a",)))


def test_a_content_is_finished_when_any_part_has_it(tmp_path):
    """Finished is what a part records, with cells or without; other files do not count."""
    write_cells(part_path(tmp_path, "s1"), cells(["a"]), PartRecord(("a", "empty")))
    write_cells(part_path(tmp_path, "s2"), cells(["b"]), PartRecord(("b",)))
    (tmp_path / ".half.tmp").write_bytes(b"PAR1")

    assert finished_contents(tmp_path, []) == {"a", "b", "empty"}
    assert finished_contents(tmp_path / "none", []) == set()


def test_a_new_decoder_tries_a_refused_content_again(tmp_path):
    """Refused by the decoder in use is finished; refused by older versions only is not."""
    write_cells(
        part_path(tmp_path, "s1"),
        cells(["a"]),
        PartRecord(("a", "bad"), (rejection("bad", "pillow 1"),)),
    )

    assert finished_contents(tmp_path, ["pillow 1", "pyav 3"]) == {"a", "bad"}
    assert finished_contents(tmp_path, ["pillow 2", "pyav 3"]) == {"a"}


def test_a_retried_shard_leaves_the_old_part_as_it_was(tmp_path):
    """The same shard with another outcome is another file: a snapshot may name the old one."""
    path = part_path(tmp_path, "s1")
    refused = PartRecord(("a",), (rejection("a", "pillow 1"),))
    read = PartRecord(("a",))
    old = write_cells(path, embeddings_schema(8).empty_table(), refused)
    before = old.read_bytes()
    new = write_cells(path, cells(["a"]), read)

    assert (old, old.read_bytes()) == (path, before)
    assert new != old
    assert finished_contents(tmp_path, ["pillow 2"]) == {"a"}
    assert standing_rejections([refused, read], ["pillow 1"]) == []
    assert standing_rejections([refused], ["pillow 1"]) == list(refused.rejections)


def test_an_equal_part_is_kept(tmp_path):
    """Writing a finished shard again changes nothing."""
    path = part_path(tmp_path, "s1")
    record = PartRecord(("a", "bad"), (rejection("bad"),), {"device": "cpu"})
    written = write_cells(path, cells(["a"]), record).stat().st_mtime_ns

    assert write_cells(path, cells(["a"]), record) == path
    assert path.stat().st_mtime_ns == written


def test_a_damaged_part_is_never_taken_for_finished(tmp_path):
    """A truncated part, or one without a record, raises an error that names it."""
    path = write_cells(part_path(tmp_path, "s1"), cells(["a"]), PartRecord(("a",)))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CorruptLakeError) as caught:
        finished_contents(tmp_path, [])
    assert caught.value.path == path

    write_part(path, cells(["a"]))
    with pytest.raises(CorruptLakeError, match="record"):
        read_record(path)


@pytest.mark.parametrize(("in_use", "standing"), [(["limits 3"], "limits 3"), ([], "limits 1")])
def test_a_content_that_three_parts_refused_has_one_rejection(in_use, standing):
    """What refuses it now says why; where that tried nothing yet, one of the older ones does."""
    tries = [rejection("a", f"limits {number}") for number in (1, 2, 3)]
    records = [PartRecord(("a",), (refused,)) for refused in tries]

    (found,) = standing_rejections(records, in_use)

    assert found["decoder"] == standing


def test_a_part_is_live_by_what_it_embedded_or_refused(tmp_path):
    """A part that only says why a live content has no cells is live too, also where it is open."""
    write_cells(part_path(tmp_path, "s1"), cells(["a"]), PartRecord(("a",)))
    nothing = embeddings_schema(8).empty_table()
    write_cells(part_path(tmp_path, "s2"), nothing, PartRecord((), (rejection("b", "reader 1"),)))
    write_cells(part_path(tmp_path, "s3"), cells(["gone"]), PartRecord(("gone",)))

    assert [path.name for path in live_parts(tmp_path, {"a", "b"})] == [
        "part-s1.parquet",
        "part-s2.parquet",
    ]


def names_of(parts):
    """The names of parts, without what all have."""
    return [path.stem.removeprefix("part-") for path in parts]


def test_parts_that_add_nothing_are_left_out(tmp_path):
    """Those with most live contents come first, of equal ones the one with less that is dead."""
    for name, contents in (("s1", "a"), ("s2", "b"), ("s3", "abxyz"), ("s4", "ab"), ("s5", "c")):
        write_cells(part_path(tmp_path, name), cells(list(contents)), PartRecord(tuple(contents)))

    assert names_of(live_parts(tmp_path, {"a", "b", "c"})) == ["s4", "s5"]
    assert names_of(live_parts(tmp_path, {"a", "b", "x"})) == ["s3"]
    assert names_of(live_parts(tmp_path, {"b"})) == ["s2"]
    assert names_of(live_parts(tmp_path, {"never"})) == []


def test_parts_that_serve_stay_where_they_cover_what_all_do(tmp_path):
    """A compacted part that does not serve stands for them only where something else is needed."""
    for name, contents in (("s1", "ab"), ("s2", "c"), ("s3", "abc"), ("s4", "d")):
        write_cells(part_path(tmp_path, name), cells(list(contents)), PartRecord(tuple(contents)))
    serving = {part_path(tmp_path, name) for name in ("s1", "s2")}

    def chosen(live):
        return names_of(live_parts(tmp_path, live, serving=serving))

    assert chosen({"a", "b", "c"}) == ["s1", "s2"]
    assert chosen({"a", "b"}) == ["s1"]
    assert chosen({"a", "b", "c", "d"}) == ["s3", "s4"]
    assert chosen({"never"}) == []


def test_a_content_is_taken_from_where_it_is_whole(tmp_path):
    """A larger part that refused it does not stand for it."""
    refused = PartRecord(("a", "b", "bad"), (rejection("bad", "pillow 1"),))
    write_cells(part_path(tmp_path, "s1"), cells(["a", "b"]), refused)
    write_cells(part_path(tmp_path, "s2"), cells(["bad"]), PartRecord(("bad",)))

    assert names_of(live_parts(tmp_path, {"a", "b", "bad"}, ["pillow 1"])) == ["s1", "s2"]
    assert names_of(live_parts(tmp_path, {"bad"}, ["pillow 1"])) == ["s2"]


def test_a_refused_content_is_taken_from_the_try_that_counts(tmp_path):
    """The decoder in use tells why; where none in use tried, every try may."""
    for number in (1, 2, 3):
        record = PartRecord(("bad",), (rejection("bad", f"pillow {number}"),))
        write_cells(part_path(tmp_path, f"s{number}"), embeddings_schema(8).empty_table(), record)

    assert names_of(live_parts(tmp_path, {"bad"}, ["pillow 2", "pyav 3"])) == ["s2"]
    assert names_of(live_parts(tmp_path, {"bad"}, ["pillow 4"])) == ["s1", "s2", "s3"]


def test_a_footer_is_read_once(tmp_path, monkeypatch):
    """The plan and the rows of one run look at the same records; a changed file is read again."""
    path = write_cells(part_path(tmp_path, "s1"), cells(["a"]), PartRecord(("a",)))
    read = []
    monkeypatch.setattr("storage.records.part_metadata", spying(part_metadata, read))

    assert finished_contents(tmp_path, []) == {"a"}
    assert list(live_parts(tmp_path, {"a"})) == [path]
    assert read == [path]
    path.unlink()
    write_cells(path, cells(["longer"]), PartRecord(("longer",)))
    assert finished_contents(tmp_path, []) == {"longer"}


def spying(function, seen):
    """The function, which notes what it is called with."""

    def called(path):
        seen.append(path)
        return function(path)

    return called


def test_the_records_that_are_kept_have_a_bound():
    """The oldest are read again."""
    texts = {"a": "aaaa", "b": "bbbb", "c": "cccc"}
    footers, like = Footers(most=8, read=lambda path: texts[path.name]), Listed(4, 0.0)

    for name in "abc":
        assert footers.text_of(Path(name), like) == texts[name]
    texts.clear()

    assert [footers.text_of(Path(name), like) for name in "bc"] == ["bbbb", "cccc"]
    with pytest.raises(KeyError):
        footers.text_of(Path("a"), like)


def test_a_live_segment_is_described_once(tmp_path):
    """Of a segment in two parts there is one description, of a dead content none."""
    one = write_cells(part_path(tmp_path, "s1"), cells(["a", "gone"]), PartRecord(("a", "gone")))
    two = write_cells(part_path(tmp_path, "s2"), cells(["a", "b"]), PartRecord(("a", "b")))

    assert live_descriptions([one, two], {"a", "b"})["content_id"].to_pylist() == ["a", "b"]


def test_two_segments_with_one_id_are_refused():
    """An id stands for one segment, in a modality and across them."""
    one, other = cells(["a"]), cells(["b"])
    same = other.set_column(0, other.schema.field(0), one["segment_id"])

    with pytest.raises(IdCollisionError):
        refuse_collision(one, same)
    with pytest.raises(IdCollisionError):
        refuse_shared([one, same])
    refuse_collision(one, one)
    refuse_shared([one, other])
