import os
import shutil

import pytest
from PIL import Image

from flows.stages import assembling, gating
from mmcore.errors import ConfigError, GateFailedError
from storage.candidates import blocked
from storage.layout import Layout
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
