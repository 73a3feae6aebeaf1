"""`mmindex queries …`: a user's own query sets."""

import json

import pytest

from flows.commands.queries.command import Files, run_add
from mmcore.evaluation.querysets.frozen import FrozenSet
from mmcore.evaluation.scores import Report
from mmcore.specs import EvaluationSpec, FitSpec
from storage.layout import Layout
from storage.locks import writer_lock
from storage.published import current
from storage.querysets import read_sets
from storage.schemas import MmindexError, content_id
from storage.snapshot import Snapshot
from tests import media
from tests.commands import command_line
from tests.crashes import plain_index
from tests.forgetting import settle
from tests.lakes import coloured_items, make_lake, towers


@pytest.fixture
def run(monkeypatch, capsys):
    """Run `mmindex …` in this process: exit code, standard output, standard error."""
    return command_line(monkeypatch, capsys)


@pytest.fixture
def lake(tmp_path):
    """A lake of eight items, ``media/red-1`` and so on."""
    return make_lake(tmp_path, coloured_items(), towers()).layout


@pytest.fixture
def given(tmp_path):
    """A CSV of judgements, one of whose items the lake does not have."""
    path = tmp_path / "given.csv"
    path.write_text("query,item\na red wall,media/red-1\ngold,media/gold-1\n", encoding="utf-8")
    return path


def test_a_set_is_added_listed_and_removed(run, lake, given):
    """Each command says what it did; the list is JSON for programs."""
    where = "--lake", lake.root
    assert "no query sets" in run("queries", "list", *where)[1]

    code, out, _ = run("queries", "add", "mine", "--qrels", given, "--allow-missing", *where)
    assert (code, "1 query," in out, "media/gold-1" in out) == (0, True, True)
    code, out, _ = run("queries", "list", "--json", *where)
    assert [one["name"] for one in json.loads(out)] == ["mine"]
    assert "mine" in run("queries", "list", *where)[1]

    assert run("queries", "remove", "mine", *where)[0] == 0
    assert read_sets(lake) == []
    assert run("queries", "remove", "mine", *where)[0] == 2


def test_what_is_too_little_to_be_measured_is_said_at_once(run, lake, tmp_path):
    """By language and medium, against the least that the lake measures."""
    path = tmp_path / "given.csv"
    rows = [f"wall {number},media/red-1" for number in range(20)] + ["红墙,media/red-1"]
    path.write_text("\n".join(["query,item", *rows]), encoding="utf-8")

    _, out, _ = run("queries", "add", "mine", "--qrels", path, "--lake", lake.root)

    assert out.splitlines()[1:] == ["zh: 1 of the 20 queries that it takes, not measured"]


def test_an_import_is_told_as_json(run, lake, given):
    """With what was left out."""
    told = ["--qrels", given, "--allow-missing", "--json", "--lake", lake.root]

    found = json.loads(run("queries", "add", "mine", *told)[1])

    assert (found["name"], found["kind"], found["queries"]) == ("mine", "qrels", 1)
    assert found["missing"] == ["media/gold-1"]
    assert len(found["unanswered"]) == 1
    assert (found["asked_by"], found["least"]) == ({"en": 1}, 20)


def test_pairs_are_imported(run, lake, tmp_path):
    """Two queries a row."""
    path = tmp_path / "pairs.csv"
    path.write_text("zh,en\n一只猫,a cat\n", encoding="utf-8")

    assert run("queries", "add", "猫", "--pairs", path, "--lake", lake.root)[0] == 0
    assert [(card.kind, card.queries) for card in read_sets(lake)] == [("pairs", 2)]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("mine", "--qrels", "GIVEN"), "line 3: media/gold-1"),
        (("mine",), "either --qrels FILE or --pairs FILE"),
        (("mine", "--qrels", "GIVEN", "--pairs", "GIVEN"), "either --qrels FILE or --pairs FILE"),
        (("mine", "--pairs", "GIVEN"), "line 1: has no column zh and en"),
        (("mine", "--pairs", "GIVEN", "--queries", "GIVEN"), "go with --qrels"),
        (("held-out", "--qrels", "GIVEN", "--allow-missing"), "cannot be called so"),
        (("mine", "--qrels", "nowhere.csv"), "cannot be read"),
    ],
)
def test_what_cannot_be_imported_is_one_line_and_exit_2(run, lake, given, options, says):
    """And nothing is written."""
    told = [str(given) if one == "GIVEN" else one for one in options]

    code, out, err = run("queries", "add", *told, "--lake", lake.root)

    assert (code, out) == (2, "")
    assert says in " ".join(err.split())
    assert not lake.query_sets.exists()


def test_a_name_that_is_taken_is_refused_before_anything_is_read(run, lake, given):
    """A set never changes."""
    where = "--lake", lake.root
    run("queries", "add", "mine", "--qrels", given, "--allow-missing", *where)

    code, _, err = run("queries", "add", "mine", "--qrels", "nowhere.csv", *where)

    assert (code, "is there already" in err) == (2, True)


def test_one_writer_at_a_time(run, lake, given):
    """An erasure that is at work would not see the set."""
    with writer_lock(lake):
        code, _, _ = run(
            "queries", "add", "mine", "--qrels", given, "--allow-missing", "--lake", lake.root
        )

    assert code == 6
    assert read_sets(lake) == []


@pytest.mark.parametrize("command", ["list", "remove x", "add x --qrels y.csv"])
def test_there_has_to_be_a_lake(run, tmp_path, command):
    """Exit code 2, and no folder is made."""
    assert run("queries", *command.split(), "--lake", tmp_path / "none")[0] == 2
    assert not (tmp_path / "none").exists()


@pytest.fixture
def indexed(tmp_path, monkeypatch):
    """A folder of four captions in two languages, a lake of it, and a run of `mmindex index`."""
    folder = tmp_path / "media"
    for name in ("cat", "dog", "owl", "fox"):
        media.text(folder / f"{name}.txt", f"The {name} sleeps.")
        media.text(folder / f"{name}.zh.txt", f"一只动物在睡觉,叫做 {name}。")
    index = plain_index(monkeypatch)
    held_out = FitSpec(held_out=0.9, min_pairs=2)
    few = EvaluationSpec(min_queries=1)

    def run():
        settle(folder)
        return index(folder, tmp_path / "lake", fit=held_out, evaluation=few)

    run()
    return folder, Layout(tmp_path / "lake"), run


def frozen(layout):
    """What the snapshot that serves asks with, by direction."""
    return FrozenSet.of(Snapshot.open(layout)).directions


def test_a_run_freezes_and_the_next_one_asks_the_same(indexed):
    """A new file adds queries; one that is gone takes its own with it."""
    folder, layout, run = indexed
    first = frozen(layout)["text:en→text:zh"]

    media.text(folder / "bee.txt", "The bee sleeps.")
    media.text(folder / "bee.zh.txt", "一只动物在睡觉,叫做 bee。")
    run()
    second = frozen(layout)["text:en→text:zh"]
    gone = content_id((folder / "cat.txt").read_bytes())
    (folder / "cat.txt").unlink()
    run()

    assert set(first) <= set(second)
    assert set(frozen(layout)["text:en→text:zh"]) == set(second) - {gone}
    assert gone in first


def test_a_damaged_part_of_queries_is_made_again(indexed):
    """It is set aside, and the queries are chosen anew: here the very same."""
    folder, layout, run = indexed
    before = frozen(layout)
    (part,) = Snapshot.open(layout).manifest.paths("queries")
    (layout.root / part).write_bytes(b"cut")
    media.text(folder / "bee.txt", "A bee.")

    result = run()

    assert (result.status, result.set_aside) == ("published", (part,))
    for name, contents in before.items():
        assert set(contents) <= set(frozen(layout)[name])


def test_an_evaluation_asks_the_sets(indexed, tmp_path):
    """The report has their directions and names them; a damaged set ends the run."""
    folder, layout, run = indexed
    path = tmp_path / "given.csv"
    path.write_text("query,item\nThe cat sleeps.,media/cat\n", encoding="utf-8")
    run_add(str(layout.root), "mine", Files(qrels=path), 0, as_json=False)
    media.text(folder / "bee.txt", "A bee.")

    number = run().snapshot

    report = Report.model_validate_json((layout.report(str(number)) / "report.json").read_bytes())
    mine = {d.name: d.means["Success@1"] for d in report.directions if d.set == "mine"}
    assert mine["text:en→text:en"] == 1
    assert report.sets["mine"] == read_sets(layout)[0].fingerprint
    (layout.query_set("mine") / "qrels.parquet").unlink()
    media.text(folder / "ant.txt", "An ant.")
    with pytest.raises(MmindexError, match=r"queries remove mine"):
        run()
    assert current(layout) == number
