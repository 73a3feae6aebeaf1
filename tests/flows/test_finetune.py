"""`mmindex encoders train siglip2`, from pairs to a preset that loads what was fine-tuned."""

from __future__ import annotations

import json

import pytest

from flows.config.index import IndexConfig
from mmcore.encoders.presets import encoders_of
from mmcore.search.searcher import Searcher
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.types import Query
from storage.layout import Layout
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tests.checkpoints import checkpoint
from tests.commands import command_line
from tests.made import toy_pairs
from tests.threads import one_thread

FAST = {"epochs": 2, "batch_size": 16, "held_out": 0.3, "validation": 0.3, "device": "cpu"}


def settings(**fields):
    """``--set`` of each."""
    told = {"base": checkpoint("siglip2"), **FAST, **fields}
    return [word for name, value in told.items() for word in ("--set", f"{name}={value}")]


@pytest.fixture
def run(monkeypatch, capsys):
    """Run a command line, on one thread."""
    run = command_line(monkeypatch, capsys)

    def command(*arguments):
        with one_thread():
            return run(*arguments)

    return command


def test_a_folder_of_pairs_fine_tunes(run, tmp_path):
    """The folder that is written is named with its preset, and the preset loads it."""
    pictures = toy_pairs.pictures(tmp_path / "pictures")
    to = tmp_path / "mine"
    told = run(
        *("encoders", "train", "siglip2", pictures, "--to", to, "--json"),
        *settings(learning_rate=0.01, keep_anyway="true"),
    )

    assert told.code == 0, told.err
    assert json.loads(told.out) == {"kind": "siglip2", "path": str(to)}
    assert "epoch 2" in told.err
    made = encoders_of(f"siglip2:{to}", SegmentationSpec(), RuntimeSpec(device="cpu"))
    assert made[0].encode(["red left on white"]).shape == (1, 48)


def index(media, lake, weights):
    """Index a folder with the preset ``siglip2``, as a plain call."""
    from flows.index_media import index_media

    told = {"media": (str(media),), "lake": str(lake), "preset": f"siglip2:{weights}"}
    return index_media(IndexConfig(**told, runtime={"device": "cpu"}))


@pytest.mark.slow
@pytest.mark.usefixtures("prefect_server")
def test_a_lake_fine_tunes_what_indexes_it_again(run, tmp_path):
    """The pairs of a lake fine-tune its own model; the result indexes with no other change."""
    pictures = toy_pairs.pictures(tmp_path / "pictures")
    before, after = tmp_path / "before", tmp_path / "after"
    index(pictures, before, checkpoint("siglip2"))

    told = run(
        *("encoders", "train", "siglip2", "--lake", before, "--to", tmp_path / "mine"),
        *settings(learning_rate=0.01, keep_anyway="true"),
    )
    assert told.code == 0, told.err
    index(pictures, after, tmp_path / "mine")

    card = json.loads((tmp_path / "mine" / "training.json").read_text("utf-8"))
    assert sum(card["data"]["items"].values()) == 48
    spaces = [
        {one.space for one in Snapshot.open(Layout(lake)).manifest.encoders}
        for lake in (before, after)
    ]
    assert len(spaces[0]) == len(spaces[1]) == 1
    assert spaces[0] != spaces[1]
    searcher = Searcher.open(after, runtime=RuntimeSpec(device="cpu"))
    assert searcher.search(Query(text="red left on white", modality=Modality.IMAGE, k=3))


def test_what_is_no_better_is_an_error(run, tmp_path):
    """Without gain nothing is written, and the command says why and how to have it anyway."""
    pictures = toy_pairs.pictures(tmp_path / "pictures")
    told = run(
        *("encoders", "train", "siglip2", pictures, "--to", tmp_path / "mine"),
        *settings(learning_rate=1e-12),
    )

    assert told.code == 1
    assert "keep_anyway" in told.err
    assert not (tmp_path / "mine").exists()


def test_the_base_has_to_be_named(run, tmp_path):
    """Without weights to begin with there is nothing to fine-tune."""
    told = run("encoders", "train", "siglip2", tmp_path, "--to", tmp_path / "mine")

    assert told.code == 2
    assert "base" in told.err
