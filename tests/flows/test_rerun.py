import os
import shutil

import pytest
from PIL import Image

from flows.stages import assembling, gating
from mmcore.errors import ConfigError, GateFailedError
from storage.candidates import blocked
from storage.diff import diff
from storage.layout import Layout
from storage.publication import roll_back
from storage.published import published
from storage.snapshot import Snapshot
from tests import crashes, media


@pytest.fixture
def index(monkeypatch):
    """The flow index-media as a plain function, over encoders that hash."""
    return crashes.plain_index(monkeypatch)


@pytest.fixture
def done(monkeypatch, index):
    """What each fusing stage of the runs made, and how often a candidate was evaluated."""
    found = {"fused": [], "evaluated": 0}
    fuse, evaluate = assembling.fuse, gating.evaluate_candidate

    def fusing(*arguments):
        made = fuse(*arguments)
        found["fused"].append((made.fused, made.items))
        return made

    def evaluating(*arguments):
        found["evaluated"] += 1
        return evaluate(*arguments)

    monkeypatch.setattr(assembling, "fuse", fusing)
    monkeypatch.setattr(gating, "evaluate_candidate", evaluating)
    return found


@pytest.fixture
def places(tmp_path, index):
    """A folder and its lake."""
    folder = tmp_path / "media"
    for colour in ("red", "green", "blue", "white"):  # enough pairs for a projection
        media.png(folder / f"{colour}.png", Image.new("RGB", (8, 8), colour))
        media.text(folder / f"{colour}.txt", f"A plain {colour} picture.")
    assert index(folder, tmp_path / "lake").status == "published"
    return folder, tmp_path / "lake"


def files_of(lake):
    """The paths that the published snapshot names."""
    return {file.path for file in Snapshot.open(Layout(lake)).manifest.files}


def test_an_edited_caption_fuses_its_item_alone(places, index, done):
    """Of four items one is fused again; its picture is not embedded again."""
    folder, lake = places
    media.text(folder / "red.txt", "A crimson square.")

    result = index(folder, lake)

    assert result.new == {"hash-text": 1, "hash-image": 0}
    assert done["fused"] == [(1, 4)]


def test_a_touched_file_changes_the_table_of_files_alone(places, index, done):
    """One hash and one small table: nothing is fused, indexed or evaluated again."""
    folder, lake = places
    before, first = files_of(lake), Snapshot.open(Layout(lake)).manifest
    os.utime(folder / "red.png", ns=(1, 1))

    result = index(folder, lake)

    gone, new = before - files_of(lake), files_of(lake) - before
    assert result.status == "published"
    assert [name.partition("/")[0] for name in (*gone, *new)] == ["files", "files"]
    assert done == {"fused": [(0, 4)], "evaluated": 0}
    assert result.scores == first.evaluation.scores
    assert result.report == str(lake / "reports" / "1" / "report.html")
    assert Snapshot.open(Layout(lake)).manifest.evaluation.report == 1


def test_the_scores_of_a_touched_lake_stay_where_they_were_told(places, index, done):
    """After a second touch the report is still the first one's; without it, there is a new one."""
    folder, lake = places
    for stamp in (1, 2):
        os.utime(folder / "red.png", ns=(stamp, stamp))
        index(folder, lake)
    assert Snapshot.open(Layout(lake)).manifest.evaluation.report == 1

    shutil.rmtree(lake / "reports")
    os.utime(folder / "red.png", ns=(3, 3))

    assert index(folder, lake).report == str(lake / "reports" / "4" / "report.html")
    assert done["evaluated"] == 1


def test_another_way_to_measure_measures_again(places, index, done):
    """Scores are carried over only if they would be the same."""
    folder, lake = places

    index(folder, lake, evaluation={"max_queries": 7})

    assert done == {"fused": [(0, 4)], "evaluated": 1}


def test_a_candidate_that_cannot_be_scored_is_kept_with_the_reason(places, index, monkeypatch):
    """The old snapshot serves; the next run publishes, under a number of its own."""
    folder, lake = places
    media.text(folder / "red.txt", "A crimson square.")

    def failing(*_):
        raise ConfigError("no model for that")

    with monkeypatch.context() as patch:
        patch.setattr("tasks.measuring.outcomes", failing)
        with pytest.raises(GateFailedError):
            index(folder, lake)
    (candidate,) = blocked(Layout(lake))
    assert (candidate.number, published(Layout(lake))) == (2, [1])
    assert "no model for that" in candidate.reason

    index(folder, lake)

    assert published(Layout(lake)) == [1, 3]
    assert blocked(Layout(lake)) == [candidate]


def test_items_are_told_as_diff_names_them(places, index):
    """New, gone, renamed and changed, in a dry run too; files are told in one order."""
    folder, lake = places
    for suffix in ("png", "txt"):
        (folder / f"red.{suffix}").rename(folder / f"rot.{suffix}")
        (folder / f"blue.{suffix}").unlink()
    media.text(folder / "green.txt", "A grass-green square.")
    media.text(folder / "new.txt", "A new one.")

    planned, done = index(folder, lake, dry_run=True), index(folder, lake)

    for result in (planned, done):
        told = (result.items_added, result.items_gone, result.items_renamed, result.items_changed)
        assert told == (1, 1, 1, 1)
    named = diff(Snapshot.open(Layout(lake), 1), Snapshot.open(Layout(lake))).items
    assert tuple(map(len, (named.added, named.gone, named.renamed, named.changed))) == (1, 1, 1, 1)
    assert list(done.segments) == list(done.files) == ["image", "text"]


@pytest.fixture
def decoder(monkeypatch):
    """Lets other decoders be installed than before, of which no file knows anything new."""
    import tasks.inputs

    def install(name):
        others = (*tasks.inputs.decoders(), name)
        monkeypatch.setattr("tasks.inputs.decoders", lambda *_: others)

    return install


def test_another_decoder_that_reads_nothing_else_publishes_nothing(
    places, index, decoder, monkeypatch
):
    """Once it is tried what it makes of the files; after that nothing is read again."""
    folder, lake = places
    for path in folder.iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))
    assert index(folder, lake).snapshot == 2
    decoder("reader 2.0")

    assert index(folder, lake).status == "unchanged"
    monkeypatch.setattr("flows.index_media.look", None)
    assert index(folder, lake).status == "unchanged"
    assert published(Layout(lake)) == [1, 2]


def test_what_was_noted_of_one_snapshot_is_not_taken_for_another(places, index, decoder):
    """After a rollback, what the other one was made of is looked at again."""
    folder, lake = places
    for path in folder.iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))
    media.text(folder / "red.txt", "A crimson square.")
    os.utime(folder / "red.txt", (1_700_000_000, 1_700_000_000))
    index(folder, lake)
    decoder("reader 2.0")
    index(folder, lake)
    roll_back(Layout(lake), 1)

    result = index(folder, lake)

    assert (result.status, result.items_changed) == ("published", 1)
    assert (
        Snapshot.open(Layout(lake))
        .rows("segments/text")["text"]
        .to_pylist()
        .count("A crimson square.")
    )
