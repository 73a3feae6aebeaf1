"""`mmindex train` where it cannot: one error, nothing stored, and what serves serves on."""

from contextlib import nullcontext

import pytest

from flows.commands.models.command import Manner, run_train
from flows.telling.summary import message
from mmcore.errors import ConfigError, NothingToLearnError, TrainingError, UnknownPluginError
from mmcore.specs import FitSpec
from mmcore.training.balance import losses
from storage import candidates, models
from storage.errors import LakeLockedError, NoLakeError
from storage.layout import Layout
from storage.locks import writer_lock
from storage.published import current, published
from storage.schemas import Modality
from storage.snapshot import Snapshot
from tests import crashes, learning, media
from tests.learning import LEARNED, promote, serving, train


def texts(folder):
    """Captions alone."""
    for number in range(20):
        media.text(folder / f"{number}x.txt", f"The text number {number}.")


def pictures(folder):
    """Pictures alone."""
    learning.fill(folder, each=1)
    for path in folder.glob("*.txt"):
        path.unlink()


def strangers(folder):
    """Both, and no item has both."""
    pictures(folder)
    texts(folder)


def couple(folder):
    """One pair, beside what is alone."""
    strangers(folder)
    learning.add(folder, "pair", "red", "A red thing and its caption.")


@pytest.mark.parametrize(
    ("filled", "says", "pairs"),
    [
        (texts, "has texts alone", 0),
        (pictures, "has no texts", 0),
        (strangers, "has no pair of a caption", 0),
        (couple, "has one pair of a caption and another medium to learn from (1 of image)", 1),
    ],
)
def test_too_little_is_said_before_any_work(tmp_path, index, filled, says, pairs):
    """Nothing is stored, what is published serves, and a run that is scheduled ends well."""
    filled(tmp_path / "media")
    index(tmp_path / "media", tmp_path / "lake", fit=FitSpec(min_pairs=16, held_out=0))

    result = train(tmp_path / "lake")

    assert (result.status, result.snapshot, result.needed) == ("nothing", 1, 16)
    assert says in result.reason
    said = message(result, private=True)
    assert f"Nothing to learn from: {pairs} of 16 pairs" in said
    assert str(tmp_path) not in said
    assert published(Layout(tmp_path / "lake")) == [1]
    assert not candidates.runs(Layout(tmp_path / "lake"))


def test_who_asks_for_a_training_by_hand_is_told_that_there_is_none(tmp_path, index, monkeypatch):
    """An error of ours, whose exit code is 2."""
    couple(tmp_path / "media")
    index(tmp_path / "media", tmp_path / "lake", fit=FitSpec(min_pairs=16, held_out=0))
    monkeypatch.setattr("flows.commands.running.watching", lambda *_, **__: nullcontext())
    from flows import train_fusion

    monkeypatch.setattr(train_fusion, "train_fusion", train_fusion.train_fusion.fn)
    with pytest.raises(NothingToLearnError, match="has one pair") as caught:
        run_train({"lake": str(tmp_path / "lake"), **learning.QUICK}, Manner())
    assert caught.value.exit_code == 2


def test_pairs_that_are_all_alike_are_nothing_to_learn_from(tmp_path, index):
    """Enough of them, and too few captions of their own: no failure either."""
    for number in range(20):
        learning.add(tmp_path / "media", f"{number}x", "red", "A red thing.")
    index(tmp_path / "media", tmp_path / "lake", fit=FitSpec(min_pairs=16, held_out=0))

    result = train(tmp_path / "lake")

    assert result.status == "nothing"
    assert "20 pairs, but too few different captions" in message(result, private=False)


@pytest.mark.parametrize(
    "error",
    [
        TrainingError("epoch 3: the loss is nan"),
        MemoryError(),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"),
    ],
)
@pytest.mark.parametrize("model", ["alignment", "fusing"])
def test_a_training_that_comes_to_nothing_leaves_what_serves(lake, monkeypatch, model, error):
    """A loss that is no number, no memory: nothing is promoted, and the next training goes on."""
    name = {"alignment": "train_projection", "fusing": "fit_fusion"}[model]
    monkeypatch.setattr(f"mmcore.training.{model}.train.{name}", learning.raising(error))

    with pytest.raises(TrainingError):
        train(lake, **LEARNED)

    assert current(Layout(lake)) == 1
    assert not candidates.runs(Layout(lake))
    monkeypatch.undo()
    learning.indexer(monkeypatch)
    assert train(lake).status == "promoted"
    serving(lake)


def test_a_loss_that_explodes_is_said_and_promotes_nothing(lake, monkeypatch):
    """A loss beyond all numbers, with the real network."""
    real = losses.info_nce
    monkeypatch.setattr(losses, "info_nce", lambda *given: real(*given) * float("inf"))
    network = {"epochs": 3, "members": 1}

    with pytest.raises(TrainingError, match="the loss is"):
        train(lake, align={"method": "network", "network": network})
    assert models.every(Layout(lake)) == ["projection/p1"]
    assert current(Layout(lake)) == 1


def test_a_broken_vector_is_no_lesson(lake, monkeypatch):
    """Vectors that are not finite are found before any work."""
    real = Snapshot.cells

    def cells(self, *arguments, **options):
        ids, vectors = real(self, *arguments, **options)
        vectors[0] = float("nan")
        return ids, vectors

    monkeypatch.setattr(Snapshot, "cells", cells)
    with pytest.raises(TrainingError, match="snapshots verify"):
        train(lake)


def test_one_writer_a_lake(lake):
    """While another run holds the lake nothing is trained or promoted."""
    with writer_lock(Layout(lake)):
        with pytest.raises(LakeLockedError):
            train(lake)
        with pytest.raises(LakeLockedError):
            promote(lake, "projection/p1")
    assert models.every(Layout(lake)) == ["projection/p1"]


def test_a_folder_without_a_snapshot_is_no_lake(tmp_path, index):
    """It is not made, or written into."""
    with pytest.raises(NoLakeError):
        train(tmp_path / "none")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("settings", "error"),
    [({"fusion": "magic"}, UnknownPluginError), ({"force": True, "promote": False}, ConfigError)],
)
def test_settings_that_cannot_be_are_refused_before_any_work(lake, settings, error):
    """Nothing is stored."""
    with pytest.raises(error):
        train(lake, **settings)
    assert models.every(Layout(lake)) == ["projection/p1"]


def test_other_encoders_than_the_lakes_cannot_be_trained_on(lake, monkeypatch):
    """Its vectors were made by others: index first."""
    made = learning.makers()
    newer = {"words-text": lambda cut: learning.MeaningEncoder(Modality.TEXT, "words", version=2)}
    crashes.use_encoders(monkeypatch.setattr, {**made, **newer})

    with pytest.raises(ConfigError, match="mmindex index"):
        train(lake)
