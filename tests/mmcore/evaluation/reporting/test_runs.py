import numpy as np
import pyarrow.parquet as pq

from mmcore.evaluation.reporting.runs import QRELS, RUN, write_queries, write_runs
from tests.mmcore.evaluation.reporting.made import outcome


def test_each_query_is_a_row(tmp_path):
    """What is known of it, what it scored; a measure that its direction lacks is null."""
    other = outcome("index:image", scores={"recall@10": np.array([0.9, 1.0])})

    rows = pq.read_table(write_queries([outcome(), other], tmp_path / "3")).to_pylist()

    assert [
        (r["direction"], r["query"], r["rank"], r["relevant"], r["gallery"]) for r in rows
    ] == [
        ("text:zh→image", "a", 1, 1, 5),
        ("text:zh→image", "b", 2, 3, 4),
        ("index:image", "a", 1, 1, 5),
        ("index:image", "b", 2, 3, 4),
    ]
    assert [(r["RR"], r["recall@10"]) for r in rows[1:3]] == [(0.5, None), (None, 0.9)]


def test_a_group_names_no_item(tmp_path):
    """Groups are numbers of the file's own: the id of an item would outlive its erasure."""
    path = write_queries([outcome()], tmp_path)

    assert pq.read_table(path)["group"].to_pylist() == [0, 1]


def test_a_run_has_its_ranks_as_scores(tmp_path):
    """A tool that sorts by score has our order, ties and all; blanks are coded."""
    found = outcome("pairs:zh→en", ("a b", "100%"), set="my set")

    write_runs([found], tmp_path, tag="mmindex-3-c", depth=1)

    assert (tmp_path / RUN).read_text("utf-8").splitlines() == [
        "my%20set/pairs:zh→en/a%20b Q0 7 1 -1 mmindex-3-c",
        "my%20set/pairs:zh→en/100%25 Q0 7 1 -1 mmindex-3-c",
    ]


def test_qrels_name_every_right_item_once(tmp_path):
    """First what was found, then what was not; nothing is cut where all are known."""
    cut = write_runs([outcome()], tmp_path, tag="t", depth=10)

    assert (tmp_path / QRELS).read_text("utf-8").splitlines() == [
        "text:zh→image/a 0 7 1",
        "text:zh→image/b 0 9 1",
        "text:zh→image/b 0 8 1",
        "text:zh→image/b 0 11 1",
    ]
    assert cut == []


def test_more_right_items_than_are_written_is_said(tmp_path):
    """The direction is named where its qrels do not hold every right answer."""
    found = outcome()
    found.ranking.relevant[1] = 4

    assert write_runs([found], tmp_path, tag="t", depth=10) == ["text:zh→image"]


def test_indexes_are_in_no_run(tmp_path):
    """What they find are segments: no item can be judged there."""
    write_runs([outcome("index:image")], tmp_path, tag="t", depth=10)

    assert (tmp_path / RUN).read_bytes() == (tmp_path / QRELS).read_bytes() == b""


def test_no_depth_leaves_no_file(tmp_path):
    """Switched off, the files of an evaluation before go as well."""
    write_runs([outcome()], tmp_path, tag="t", depth=10)

    assert write_runs([outcome()], tmp_path, tag="t", depth=0) == []
    assert not list(tmp_path.iterdir())
