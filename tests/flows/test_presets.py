"""Whole runs with small checkpoints of the presets' real architectures, and searches."""

from __future__ import annotations

import shutil

import pytest
from PIL import Image

from flows.config.index import IndexConfig
from flows.config.preset import USUAL, preset_of
from flows.stages.checks import check
from mmcore.errors import ConfigError, MissingWeightsError
from mmcore.search.searcher import Searcher
from mmcore.types import Query
from storage.layout import Layout
from storage.schemas import Modality
from storage.snapshot import Snapshot
from storage.verification.verify import verify
from tests import media
from tests.checkpoints import checkpoint
from tests.crashes import plain_flow

COLOURS = {"red": "红色", "green": "绿色", "blue": "蓝色"}


@pytest.fixture
def index(monkeypatch):
    """The flow as a plain function, on the CPU, over a folder and into a lake."""
    flow = plain_flow(monkeypatch)

    def index(folder, lake, preset, **settings):
        runtime = {"device": "cpu", **settings.pop("runtime", {})}
        told = {"media": (str(folder),), "lake": str(lake), "preset": preset, "runtime": runtime}
        return flow(IndexConfig(**told, **settings))

    return index


@pytest.fixture
def folder(tmp_path):
    """Three pictures with captions in two languages, a sound and a short video."""
    root = tmp_path / "media"
    for name, chinese in COLOURS.items():
        media.png(root / f"{name}.png", Image.new("RGB", (40, 30), name))
        media.text(root / f"{name}.txt", f"A plain {name} picture.")
        media.text(root / f"{name}.zh.txt", f"一张{chinese}的图片。")
    media.wav(root / "red.wav")
    media.mp4(root / "clip.mp4")
    return root


def named(*presets):
    """The presets with the small checkpoints that they load."""
    return "+".join(f"{name}:{checkpoint(name)}" for name in presets)


@pytest.mark.parametrize(
    ("presets", "media_searched"),
    [
        (("siglip2", "clap"), {Modality.IMAGE, Modality.VIDEO, Modality.TEXT, Modality.AUDIO}),
        (("clip",), {Modality.IMAGE, Modality.VIDEO, Modality.TEXT}),
        (("word2vec",), {Modality.TEXT}),
    ],
)
def test_a_text_finds_every_medium_of_its_spaces(index, folder, tmp_path, presets, media_searched):
    """A lake made by checkpoints of one's own is whole, and asked in each of its spaces."""
    lake = tmp_path / "lake"
    result = index(folder, lake, named(*presets))
    snapshot = Snapshot.open(Layout(lake))

    assert result.status == "published"
    assert set(result.quarantined) <= {"no-encoder", "nothing-found"}
    assert verify(snapshot.layout, snapshot.manifest).findings == ()
    searcher = Searcher.open(lake)
    for modality in media_searched:
        hits = searcher.search(Query(text="A plain red picture.", modality=modality, k=3))
        assert hits, modality
    assert searcher.search(Query(text="一张红色的图片。", k=3))
    assert index(folder, lake, named(*presets)).status == "unchanged"


def test_pictures_alone_are_searched_by_pictures(index, folder, tmp_path):
    """A preset without texts makes a lake too."""
    lake = tmp_path / "lake"
    result = index(folder, lake, named("resnet18"))
    hits = Searcher.open(lake).search(Query(media=str(folder / "green.png"), k=1))

    assert (result.status, result.evaluation) == ("published", "unmeasured")
    assert [hit.key for hit in hits] == ["green"]


def test_missing_weights_stop_a_run_before_any_work(index, folder, tmp_path):
    """The error says how they are brought; nothing is written."""
    with pytest.raises(MissingWeightsError, match="mmindex encoders fetch siglip2"):
        index(folder, tmp_path / "lake", "siglip2", runtime={"weights": str(tmp_path / "none")})
    assert not (tmp_path / "lake").exists()


def test_a_private_lake_keeps_no_path_of_weights(folder, tmp_path):
    """A folder in the preset's name would be kept in each snapshot."""
    told = {"media": (str(folder),), "lake": str(tmp_path / "lake"), "private": True}
    with pytest.raises(ConfigError, match="private lake keeps no path"):
        check(IndexConfig(preset=named("word2vec"), **told))


def test_a_missing_tower_stops_only_who_asks_it(index, folder, tmp_path):
    """Pictures are found by texts while the weights for sounds are somewhere else."""
    clap = shutil.copytree(checkpoint("clap"), tmp_path / "clap")
    index(folder, tmp_path / "lake", f"{named('siglip2')}+clap:{clap}")
    shutil.rmtree(clap)
    searcher = Searcher.open(tmp_path / "lake")

    assert searcher.search(Query(text="red", modality=Modality.IMAGE, k=1))
    with pytest.raises(MissingWeightsError, match="clap"):
        searcher.search(Query(text="red", modality=Modality.AUDIO, k=1))


def test_a_run_that_names_no_preset_keeps_the_lakes_own(index, folder, tmp_path):
    """Else a forgotten option would embed all anew, by another model; a new lake is as usual."""
    lake = str(tmp_path / "lake")
    assert preset_of(lake) == USUAL
    index(folder, lake, named("word2vec"))

    assert preset_of(lake) == named("word2vec")


def test_another_preset_than_the_lakes_is_told(index, folder, tmp_path, caplog):
    """It may be what is wanted, or a slip."""
    index(folder, tmp_path / "lake", named("word2vec"))
    assert "this run takes" not in caplog.text
    index(folder, tmp_path / "lake", named("resnet18"), gate={"enabled": False})  # no texts

    assert f"this run takes {named('resnet18')}" in caplog.text


def test_weights_that_were_moved_are_found_by_indexing_again(index, folder, tmp_path):
    """The error says so, and nothing is embedded again."""
    lake = tmp_path / "lake"
    old = shutil.copytree(checkpoint("resnet18"), tmp_path / "old")
    index(folder, lake, f"resnet18:{old}")
    old.rename(tmp_path / "new")
    with pytest.raises(MissingWeightsError, match="takes the new place"):
        Searcher.open(lake).search(Query(media=str(folder / "green.png"), k=1))
    again = index(folder, lake, f"resnet18:{tmp_path / 'new'}")

    assert (again.status, sum(again.new.values())) == ("published", 0)
    assert Searcher.open(lake).search(Query(media=str(folder / "green.png"), k=1))


def test_videos_that_no_encoder_is_for_are_no_files_that_failed(index, tmp_path):
    """Texts are read from their subtitles too: without such, most files are as they should be."""
    folder = tmp_path / "media"
    for number in range(3):
        media.mp4(folder / f"{number}.mp4", fps=10 + number)
    media.text(folder / "red.txt", "A plain red picture.")

    result = index(folder, tmp_path / "lake", named("word2vec"))

    assert (result.status, result.quarantined) == ("published", {"no-encoder": 3})
