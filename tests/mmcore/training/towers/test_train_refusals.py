"""What stops a training of three towers, and what it leaves behind."""

from __future__ import annotations

import shutil

import pytest
import torch
from pydantic import ValidationError

from mmcore.errors import ConfigError, NothingToLearnError, TrainingError
from mmcore.training.towers import loop, train
from mmcore.training.towers.train import train_retrieval_model
from tests import media
from tests.made import toys
from tests.made.towers import small
from tests.mmcore.training.towers.weighed import left

pytestmark = pytest.mark.usefixtures("one_thread")


def test_a_loss_that_is_no_number_leaves_nothing(world, tmp_path, monkeypatch):
    """A learning rate that no network survives ends the training, and no folder is left."""
    monkeypatch.setattr(loop, "rate_at", lambda *_: 1e30)
    with pytest.raises(TrainingError, match="smaller learning rate"):
        train_retrieval_model(world, tmp_path / "t", small())

    assert left(tmp_path / "t") == []


def test_too_little_memory_says_what_to_lower(world, tmp_path, monkeypatch):
    """One line that names the setting; nothing is left."""

    def full(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(loop.Course, "_pass", full)
    with pytest.raises(TrainingError, match="lower batch_size"):
        train_retrieval_model(world, tmp_path / "t", small())

    assert left(tmp_path / "t") == []


def test_a_folder_that_is_taken_is_left_alone(world, tmp_path):
    """A training never writes over another one."""
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "mine.txt").write_text("mine")

    with pytest.raises(ConfigError, match="name a new folder"):
        train_retrieval_model(world, tmp_path / "t", small())


def test_synthesis_needs_classes():
    """What is made is for the head of classes, which a contrastive training has not."""
    with pytest.raises(ValueError, match=r"balance\.synthesis.*objective=contrastive has none"):
        small(objective="contrastive", balance={"synthesis": "gan"})


@pytest.mark.parametrize("how", ["gan", "mixup"])
def test_synthesis_that_has_nothing_to_make_is_refused(world, tmp_path, how):
    """Where all items have all: before any work, with nothing left."""
    with pytest.raises(NothingToLearnError, match=f"synthesis={how} has nothing to do"):
        train_retrieval_model(world, tmp_path / "t", small(balance={"synthesis": how}))
    assert left(tmp_path / "t") == []


def test_weights_that_are_ruined_last_leave_nothing(tmp_path, monkeypatch):
    """Without a validation split too, what the last step has ruined is not written."""
    world = toys.folder(tmp_path / "media", each=1, validation=False)
    step = torch.optim.AdamW.step

    def ruined(self):
        step(self)
        with torch.no_grad():
            self.param_groups[0]["params"][0].fill_(torch.nan)

    monkeypatch.setattr(torch.optim.AdamW, "step", ruined)
    dataset = {"side": 32, "seconds": 0.4, "validation": 0}
    spec = small(epochs=1, batch_size=64, dataset=dataset)  # one step: its loss is sound
    with pytest.raises(TrainingError, match="epoch 1: the weights are not finite"):
        train_retrieval_model(world, tmp_path / "t", spec)

    assert left(tmp_path / "t") == ["media"]


def test_a_broken_test_split_keeps_the_training(world, tmp_path, caplog):
    """Pictures to be tried on that nobody can read are told, and what is left is scored."""
    damaged = shutil.copytree(world, tmp_path / "media")
    for picture in (*damaged.glob("test/*/*.png"), *damaged.glob("validation/*/*.png")):
        picture.write_bytes(b"\x89PNG\r\n\x1a\n" + picture.name.encode())

    result = train_retrieval_model(damaged, tmp_path / "t", small(epochs=1))

    assert "text→audio RR" in result.scores
    assert "text→image RR" not in result.scores
    assert "none of 12 picture files could be read" in caplog.text


def test_a_folder_that_cannot_be_written_leaves_nothing(world, tmp_path, monkeypatch):
    """A failure while the folder is made takes the half of it away."""

    def full(*_):
        raise OSError("no space left")

    monkeypatch.setattr(train, "write", full)
    with pytest.raises(OSError, match="no space"):
        train_retrieval_model(world, tmp_path / "t", small(epochs=1, checkpoint=0))

    assert left(tmp_path / "t") == []


def test_without_labels_the_way_without_classes_is_told(tmp_path):
    """The error names the objective that needs none."""
    for number in range(4):
        media.png(tmp_path / "media" / f"image_{number}.png", media.noise(24, 16, seed=number))
        media.text(tmp_path / "media" / f"text_{number}.txt", f"word {number}")
    dataset = {"held_out": 0, "validation": 0}

    with pytest.raises(NothingToLearnError, match="objective=contrastive"):
        train_retrieval_model(tmp_path / "media", tmp_path / "t", small(dataset=dataset))


@pytest.mark.parametrize(
    "settings",
    [
        *({"rate": value} for value in (0, 2, float("inf"), float("nan"))),
        {"weight_decay": float("inf")},
        {"clip": float("inf")},
        {"licence": "mit\nlicense: other"},
    ],
)
def test_settings_that_no_training_survives_are_refused(settings):
    """Rates beyond all use, and a licence that would be several fields of a card."""
    with pytest.raises(ValidationError):
        small(**settings)
