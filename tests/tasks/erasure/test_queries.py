"""An erasure and what a lake asks: its frozen queries, users' sets, the history."""

from datetime import UTC, datetime

import pytest

from mmcore.evaluation.querysets.imported import import_pairs, import_qrels
from mmcore.specs import FitSpec
from storage import history
from storage.erasure.orders import OfSet
from storage.history import Entry
from storage.keys import lake_key
from storage.layout import Layout
from storage.locks import writer_lock
from storage.published import published
from storage.querysets import read_set, read_sets, write_set
from storage.snapshot import Snapshot
from tasks.erasure import erase
from tasks.erasure.choose import choose
from tests.forgetting import CHINESE, ENGLISH, all_findings, indexer, make_history


@pytest.fixture
def media(tmp_path):
    """The folder that is indexed."""
    return tmp_path / "media"


@pytest.fixture
def lake(media, tmp_path, monkeypatch):
    """Three snapshots that have the cat, all of whose captions are held out."""
    index = indexer(monkeypatch)
    return make_history(media, tmp_path / "lake", index, fit=FitSpec(held_out=0.9, min_pairs=2))


@pytest.fixture
def put(lake, tmp_path):
    """Import a set under a name."""

    def put(name, text, read=import_qrels):
        path = tmp_path / "media" / f"{name}.csv"
        path.write_text(text, encoding="utf-8")
        found = read(Snapshot.open(lake), path)
        path.unlink()
        write_set(lake, found.card(name), found.queries, found.qrels, found.media)

    return put


def forget(layout: Layout) -> erase.Erased:
    """Erase the cat."""
    with writer_lock(layout):
        lake_key(layout)
        choice = choose(layout, ["media/trips/cat.png"], (), content=False)
        return erase.erase(layout, choice.selection.order)


def contents(layout, number):
    """The contents that the queries of a snapshot ask with, and those that it has."""
    snapshot = Snapshot.open(layout, number)
    asked = set(snapshot.rows("queries")["content_id"].to_pylist())
    return asked, set(snapshot.rows("item_files")["content_id"].to_pylist())


def test_a_frozen_query_goes_with_its_content(lake):
    """From every kept snapshot; the others are asked as before."""
    before = {number: contents(lake, number) for number in published(lake)}

    assert not forget(lake).proof.left

    for number, (asked, _) in before.items():
        left, there = contents(lake, number)
        assert asked - left  # the cat was one
        assert left == asked & there
    assert all_findings(lake) == []


def test_sets_lose_what_is_erased_and_nothing_else(lake, put):
    """Judgements of the item, queries by its file and by its own words; the proof is clean."""
    put(
        "mine",
        "query,modality,item,grade\n"
        "a cat,text,media/trips/cat,1\n"
        "a wall,text,media/blue,2\n"
        "a wall,text,media/trips/cat,1\n"
        f'"{CHINESE}",text,media/grey,1\n'
        "trips/cat.png,image,media/grey,1\n"
        "blue.png,image,media/blue,1\n",
    )
    put("pairs", f'zh,en\n"{CHINESE}",A cat on a sofa\n一面墙,A wall\n', import_pairs)
    put("gone", "query,item\nthe cat alone,media/trips/cat\n")
    before = read_set(lake, "mine").card

    done = forget(lake)

    assert not done.proof.left
    assert {one.name: (one.queries, one.judged, one.whole) for one in done.sets} == {
        "gone": (1, 1, True),
        "mine": (3, 4, False),
        "pairs": (2, 2, False),
    }
    assert [card.name for card in read_sets(lake)] == ["mine", "pairs"]
    mine, pairs = read_set(lake, "mine"), read_set(lake, "pairs")
    assert sorted((r["text"] or "blue.png") for r in mine.queries.to_pylist()) == [
        "a wall",
        "blue.png",
    ]
    assert (mine.card.queries, mine.card.judged) == (2, 2)
    assert mine.card.fingerprint != before.fingerprint
    assert [row["text"] for row in pairs.queries.to_pylist()] == ["A wall", "一面墙"]
    assert all_findings(lake) == []


def test_a_set_that_has_nothing_of_it_stays_as_it_is(lake, put):
    """Words that others have too are no reason to touch a query."""
    put("mine", f"query,item\n{ENGLISH},media/twin\n")
    files = {
        path: path.read_bytes() for path in lake.query_set("mine").rglob("*") if path.is_file()
    }

    assert not forget(lake).proof.left

    assert files == {
        path: path.read_bytes() for path in lake.query_set("mine").rglob("*") if path.is_file()
    }


def test_a_set_that_nobody_can_read_goes(lake, put, caplog):
    """It may hold anything; so may one that never was whole."""
    put("torn", "query,item\na wall,media/blue\n")
    put("begun", "query,item\na wall,media/blue\n")
    (lake.query_set("torn") / "qrels.parquet").write_bytes(b"no Parquet")
    (lake.query_set("begun") / "set.json").unlink()

    assert not forget(lake).proof.left

    assert list(lake.query_sets.iterdir()) == []
    assert "query set torn is removed" in caplog.text


def test_an_erasure_that_was_killed_in_a_set_is_ended(lake, put, monkeypatch):
    """Rows are written, the card is not: the next writer goes on, and loses nothing else."""
    put("mine", "query,item\na wall,media/blue\na wall,media/trips/cat\n")

    def die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("storage.querysets.write_card", die)
        with pytest.raises(KeyboardInterrupt):
            forget(lake)
    with writer_lock(lake):
        ended = erase.finish(lake)

    assert ended is not None
    assert not ended.proof.left
    assert ended.sets == (OfSet("mine", 0, 1),)
    assert read_set(lake, "mine").qrels.num_rows == 1


def test_the_history_stands(lake):
    """It has numbers and names of directions alone: nothing of it is erased."""
    history.append(
        lake,
        Entry(
            when=datetime(2026, 1, 1, tzinfo=UTC),
            snapshot=1,
            run="run",
            trigger="index",
            config="",
            verdict="pass",
        ),
    )
    before = history.read(lake)

    assert not forget(lake).proof.left

    assert history.read(lake) == before


@pytest.mark.parametrize("name", ["set.json", "queries.parquet"])
@pytest.mark.parametrize("make", ["folder", "loop"])
def test_a_set_with_something_else_in_a_files_place_goes(lake, put, name, make):
    """Nothing of it is left that would stop the next evaluation."""
    put("odd", "query,item\na wall,media/blue\n")
    path = lake.query_set("odd") / name
    path.unlink()
    if make == "folder":
        path.mkdir()
    else:
        path.symlink_to(path)

    assert not forget(lake).proof.left
    assert list(lake.query_sets.iterdir()) == []


@pytest.mark.parametrize("name", ["report.json", "report.html", "run.trec", "queries.parquet"])
def test_a_folder_in_a_report_stops_no_erasure(lake, name):
    """What lies in it is searched as all else is."""
    folder = lake.report("1") / name
    if folder.is_file():
        folder.unlink()
    folder.mkdir(parents=True)
    (folder / "note.txt").write_text("of trips/cat.png")
    (folder / "other.txt").write_text("of a dog")

    assert not forget(lake).proof.left
    assert [path.name for path in folder.iterdir()] == ["other.txt"]


def test_what_cannot_be_read_is_named_by_the_proof(lake):
    """The erasure is done, and waits for somebody who looks; a writer goes on."""
    path = lake.report("1") / "report.json"
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(path)

    assert list(forget(lake).proof.left) == ["reports/1/report.json"]
    with writer_lock(lake):
        ended = erase.end_erasure(lake)
    assert "reports/1/report.json" in ended.why_not


def test_a_page_that_cannot_be_made_is_removed(lake, monkeypatch):
    """An erasure ends, whatever is odd about a report."""
    reports = [lake.report(str(number)) for number in published(lake)]
    for folder in reports:
        (folder / "report.html").write_text("<p>trips/cat.png</p>")

    def broken(*_):
        raise KeyError("odd")

    monkeypatch.setattr("tasks.erasure.reports.page", broken)

    assert not forget(lake).proof.left
    assert not any((folder / "report.html").exists() for folder in reports)


def test_a_file_that_cannot_be_written_only_delays_an_erasure(lake, monkeypatch):
    """Whoever came for something else is told why, and goes on."""

    def full(*_):
        raise OSError(28, "No space left on device", "reports/1/report.html")

    with monkeypatch.context() as patch:
        patch.setattr(erase, "clean_reports", full)
        with pytest.raises(OSError, match="No space"):
            forget(lake)
        with writer_lock(lake):
            assert "No space" in erase.end_erasure(lake).why_not

    with writer_lock(lake):
        assert not erase.end_erasure(lake).why_not
