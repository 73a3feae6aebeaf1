import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mmcore.evaluation.reporting.erasing import Gone, Shown, clean_files, without
from mmcore.evaluation.reporting.runs import QRELS, QUERIES, RUN, write_queries, write_runs
from mmcore.evaluation.reporting.worst import shortened
from tests.mmcore.evaluation.reporting.made import direction, outcome, report, worst

LONG = "A tabby cat sleeps on the green sofa. " * 20
SHOWN = Shown({"trips/cat.png", "trips/cat"}, [LONG, "一只猫在家里。"])
NOTHING = Shown((), ())


def told(*found, without_results=()):
    """A report of one direction."""
    return report(
        directions=[direction("text→image", *found, without_results=list(without_results))]
    )


@pytest.mark.parametrize(
    "shown",
    [
        worst("trips/cat.png"),
        worst("q", "trips/cat"),
        worst("q", "f", "dog", "一只猫在家里。"),
        worst(shortened(LONG)),
        worst(LONG[:37]),
        worst("q", "f", contents=["c"]),
        worst("q", "f", item=5),
        worst("q", "f", found_item=5),
    ],
)
def test_an_example_that_shows_the_erased_goes(shown):
    """By its path, key or text, also a shortened one, and by its ids; scores stay."""
    after = without(told(shown, worst("dog")), Gone({"c"}, {5}, SHOWN))

    assert [one.query for one in after.directions[0].worst] == ["dog"]
    assert after.directions[0].means == told().directions[0].means


def test_examples_of_others_stay():
    """A report that shows nothing of it is not changed."""
    before = told(
        worst("a dog", item=6), worst("trips/cat.png.bak"), worst("A"), without_results=["d"]
    )

    assert without(before, Gone({"c"}, {5}, SHOWN)) == before


def test_what_found_nothing_is_not_named():
    """A query without results is named by its content, or by the item that asks."""
    after = without(told(without_results=["c", "d", "5/image"]), Gone({"c"}, {5}, NOTHING))

    assert after.directions[0].without_results == ["d"]


@pytest.fixture
def folder(tmp_path):
    """The files of two directions."""
    found = [outcome(), outcome("withheld→image", ("8/image", "9/image"))]
    write_queries(found, tmp_path)
    write_runs(found, tmp_path, tag="t", depth=10)
    return tmp_path


def test_rows_and_lines_of_the_erased_go(folder):
    """A content that asked, an item that asked, and an item that was found."""
    changed = clean_files(folder, Gone({"b"}, {8}, NOTHING))

    assert changed == 3
    assert pq.read_table(folder / QUERIES)["query"].to_pylist() == ["a", "9/image"]
    assert [line.split()[::2] for line in (folder / RUN).read_text("utf-8").splitlines()] == [
        ["text:zh→image/a", "7", "-1"],
        ["withheld→image/9/image", "7", "-1"],
        ["withheld→image/9/image", "9", "-2"],
    ]
    assert [line.split()[2] for line in (folder / QRELS).read_text("utf-8").splitlines()] == [
        "7",
        "9",
        "11",
    ]


def test_files_of_others_are_not_touched(folder):
    """They are the same bytes, and none is counted; a folder without any is fine."""
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    assert clean_files(folder, Gone({"c"}, {5}, NOTHING)) == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert clean_files(folder / "none", Gone({"c"}, {5}, NOTHING)) == 0


def test_rows_that_cannot_be_read_are_removed(folder):
    """Nobody can say what a torn file holds."""
    (folder / QUERIES).write_bytes(b"PAR1")

    assert clean_files(folder, Gone({"c"}, {5}, NOTHING)) == 1
    assert not (folder / QUERIES).exists()


@pytest.mark.parametrize("queries", [None, pa.array([b"\xff", b"\xfe"]), pa.array([{"a": 1}] * 2)])
def test_rows_without_queries_are_removed(folder, queries):
    """Nobody can say whom they are of, be the column gone or of another kind."""
    table = pa.table({"RR": [0.5, 0.5]} | ({} if queries is None else {"query": queries}))
    pq.write_table(table, folder / QUERIES)

    assert clean_files(folder, Gone({"c"}, {5}, NOTHING)) == 1
    assert not (folder / QUERIES).exists()


def test_a_row_that_names_no_query_goes(folder):
    """The others stay."""
    pq.write_table(pa.table({"query": ["a", None]}), folder / QUERIES)

    assert clean_files(folder, Gone({"c"}, {5}, NOTHING)) == 1
    assert pq.read_table(folder / QUERIES)["query"].to_pylist() == ["a"]


@pytest.mark.parametrize("name", [QUERIES, RUN, QRELS])
def test_what_is_no_file_stops_nobody(folder, name):
    """A folder stays, with what lies in it; a link to itself goes."""
    (folder / name).unlink()
    (folder / name).mkdir()
    (folder / name / "other.txt").write_text("of somebody")
    assert clean_files(folder, Gone({"c"}, {5}, NOTHING)) == 0
    assert (folder / name / "other.txt").exists()

    (folder / name / "other.txt").unlink()
    (folder / name).rmdir()
    (folder / name).symlink_to(folder / name)
    assert clean_files(folder, Gone({"c"}, {5}, NOTHING)) == 1
    assert not (folder / name).is_symlink()
