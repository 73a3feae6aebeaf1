"""Three towers trained on a toy world: what they learn, and what is kept of it."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file

from mmcore.errors import ConfigError, NothingToLearnError
from mmcore.training.loop.curves import Point
from mmcore.training.towers import loop
from mmcore.training.towers.evaluate import evaluate_retrieval_model
from mmcore.training.towers.train import train_retrieval_model
from tests import media
from tests.made import toys
from tests.made.towers import small
from tests.mmcore.training.towers.weighed import left

pytestmark = pytest.mark.usefixtures("one_thread")

CHANCE = 1 / 12


@pytest.fixture(scope="module")
def whole_world(tmp_path_factory):
    """Drawings of six colours and two shapes, with captions and tones: enough to learn from."""
    return toys.folder(tmp_path_factory.mktemp("toys") / "media")


@pytest.fixture(scope="module")
def plain(world, tmp_path_factory):
    """One epoch without any balancing."""
    return train_retrieval_model(world, tmp_path_factory.mktemp("plain") / "t", small(epochs=1))


@pytest.fixture(scope="module")
def learnt(whole_world, tmp_path_factory):
    """One whole training with all objectives: its result, and the epochs that were told."""
    told: list[Point] = []
    to = tmp_path_factory.mktemp("learnt") / "towers"
    result = train_retrieval_model(whole_world, to, small(), progress=told.append)
    return result, told


def weights(folder):
    """The tensors of a folder that was written."""
    return load_file(folder / "model.safetensors")


def same(one, other):
    """Whether two trainings came to the same bits."""
    return all(torch.equal(one[name], other[name]) for name in one.keys() | other.keys())


@pytest.mark.slow
def test_held_out_items_are_found_well_over_chance(learnt):
    """Texts find pictures of new drawings, sounds find them too, and classes are told."""
    scores = learnt[0].scores

    assert scores["text→image Success@1"] >= 4 * CHANCE
    assert scores["image→text Success@1"] >= 4 * CHANCE
    assert scores["text:zh→image RR"] > 0.4
    assert scores["text:en→image RR"] > 0.4
    assert scores["text→audio RR"] > 0.5  # two of twelve tones are alike: shapes have no sound
    assert scores["audio→image RR"] > 0.5
    assert scores["accuracy"] > 0.8
    assert scores["mean class accuracy"] > 0.8


@pytest.mark.slow
def test_the_folder_holds_all_that_there_is_to_know(learnt):
    """Weights, words, curves of each epoch, and a card that says what it is worth."""
    result, told = learnt
    names = {path.name for path in result.folder.iterdir()}
    history = json.loads((result.folder / "history.json").read_text("utf-8"))
    card = (result.folder / "README.md").read_text("utf-8")
    training = json.loads((result.folder / "training.json").read_text("utf-8"))

    assert names == {
        *("config.json", "model.safetensors", "vocab.txt", "training.json"),
        *("history.json", "curves.svg", "README.md"),
    }
    assert history == [point.to_json() for point in result.points]
    assert list(result.points) == told
    assert {"loss", "held_out_loss", "accuracy", "Success@1", "RR"} <= set(history[0])
    assert history[-1]["loss"] < history[0]["loss"]
    assert training["items"] == {"train": 48, "validation": 12, "test": 12}
    assert training["test"] == result.scores
    assert card.startswith("---\nlicense: not stated\n---\n")
    assert f"{result.scores['text→image RR']:.3f}" in card
    assert b"<svg" in (result.folder / "curves.svg").read_bytes()
    assert left(result.folder) == ["towers"]


@pytest.mark.slow
def test_what_is_loaded_again_has_the_same_scores(learnt, whole_world):
    """Evaluation of the folder gives what the training has measured itself."""
    scores = evaluate_retrieval_model(learnt[0].folder, whole_world)

    assert scores == pytest.approx(learnt[0].scores, abs=1e-6)
    assert evaluate_retrieval_model(learnt[0].folder, whole_world, "train")["accuracy"] > 0.8


def test_the_same_seed_gives_the_same_weights(world, plain, tmp_path):
    """To the last bit; another seed gives others."""
    made = {
        seed: train_retrieval_model(world, tmp_path / str(seed), small(epochs=1, seed=seed)).folder
        for seed in (0, 1)
    }

    assert same(weights(plain.folder), weights(made[0]))
    assert not same(weights(plain.folder), weights(made[1]))


class Interrupted(Exception):
    """What ends a process, as far as a test goes."""


def test_a_training_that_goes_on_is_the_one_that_was_interrupted(world, tmp_path):
    """The same bits and the same curves as without the interruption, and no checkpoint left."""
    balance = {"mixup": 0.4, "modality_dropout": 0.2, "augment": {"flip": 0.5, "noise": 0.1}}
    spec = small(epochs=4, checkpoint=2, balance=balance)
    whole = train_retrieval_model(world, tmp_path / "whole", spec)
    interrupted(world, tmp_path / "cut", spec, 3)
    assert left(tmp_path / "cut") == [".cut.checkpoints", "whole"]
    told: list[Point] = []
    cut = train_retrieval_model(world, tmp_path / "cut", spec, progress=told.append, resume=True)

    assert [point.epoch for point in told] == [3, 4]
    assert same(weights(whole.folder), weights(cut.folder))
    assert cut.points == whole.points
    assert cut.scores == whole.scores
    assert left(cut.folder) == ["cut", "whole"]


def interrupted(world, to, spec, epoch):
    """A training that ends when it tells of this epoch."""

    def stop(point):
        if point.epoch == epoch:
            raise Interrupted

    with pytest.raises(Interrupted):
        train_retrieval_model(world, to, spec, progress=stop)


def test_other_settings_do_not_go_on(world, tmp_path):
    """A checkpoint of another learning rate is refused; without resuming it is passed over."""
    interrupted(world, tmp_path / "t", small(epochs=3), 2)

    with pytest.raises(ConfigError, match="other settings"):
        train_retrieval_model(world, tmp_path / "t", small(epochs=3, rate=1e-4), resume=True)
    anew = train_retrieval_model(world, tmp_path / "t", small(epochs=1, rate=1e-4))
    assert len(anew.points) == 1
    assert left(anew.folder) == ["t"]


def test_resuming_nothing_begins(world, tmp_path):
    """A command that always resumes runs the first time too."""
    result = train_retrieval_model(world, tmp_path / "t", small(epochs=1), resume=True)

    assert [point.epoch for point in result.points] == [1]


def test_training_ends_when_nothing_is_gained(world, tmp_path):
    """With a patience of one, the first epoch that is no better is the last; the best is kept."""
    result = train_retrieval_model(world, tmp_path / "t", small(epochs=20, patience=1, rate=0.05))

    assert len(result.points) < 20
    assert result.best_epoch == len(result.points) - 1


def test_without_a_validation_split_the_last_epoch_counts(tmp_path):
    """Nothing says when to stop."""
    dataset = {"side": 32, "seconds": 0.4, "validation": 0}
    world = toys.folder(tmp_path / "media", each=1, validation=False)
    result = train_retrieval_model(world, tmp_path / "t", small(epochs=2, dataset=dataset))

    assert result.best_epoch == 2
    assert set(result.points[0].values) == {"loss"}


@pytest.mark.parametrize(
    ("objective", "told"),
    [("classification", "accuracy"), ("contrastive", "RR")],
)
def test_each_objective_alone(world, tmp_path, objective, told):
    """Only what is learnt is measured; a network without classes has no classifier."""
    result = train_retrieval_model(world, tmp_path / "t", small(epochs=1, objective=objective))
    config = json.loads((result.folder / "config.json").read_text("utf-8"))

    assert told in result.points[0].values
    assert bool(config["classes"]) == (objective == "classification")
    assert ("accuracy" in result.scores) == (objective == "classification")


def test_classes_are_learnt_of_items_without_pairs(tmp_path):
    """Pictures alone have nothing to be paired with, but labels."""
    world = toys.folder(tmp_path / "media", each=1, sounds=False)
    for text in world.rglob("*.txt"):
        text.unlink()

    result = train_retrieval_model(
        world, tmp_path / "t", small(epochs=1, objective="classification")
    )
    assert "accuracy" in result.scores
    with pytest.raises(NothingToLearnError, match="two of picture, text and sound"):
        train_retrieval_model(world, tmp_path / "u", small(objective="both"))


@pytest.mark.parametrize(
    ("objective", "says"), [("classification", "to tell classes apart"), ("both", "items of two")]
)
def test_one_class_is_nothing_to_learn(tmp_path, monkeypatch, objective, says):
    """Said before any work."""
    for number in range(4):
        picture = tmp_path / "media" / "train" / "a" / f"image_{number}.png"
        media.png(picture, media.noise(24, 16, seed=number))
        media.text(tmp_path / "media" / "train" / "a" / f"text_{number}.txt", f"word {number}")
    monkeypatch.setattr(loop.Course, "learn", None)

    with pytest.raises(NothingToLearnError, match=says):
        train_retrieval_model(tmp_path / "media", tmp_path / "t", small(objective=objective))
    assert left(tmp_path / "t") == ["media"]


def test_broken_files_cost_themselves(world, tmp_path):
    """A picture and a sound that cannot be read are absent; the training goes on."""
    damaged = shutil.copytree(world, tmp_path / "media")
    next(iter(sorted(damaged.glob("train/*/*.png")))).write_bytes(b"\x89PNG\r\n\x1a\n broken")
    next(iter(sorted(damaged.glob("train/*/*.wav")))).write_bytes(b"RIFF\0\0\0\0WAVE")

    result = train_retrieval_model(damaged, tmp_path / "t", small(epochs=1))
    assert len(result.points) == 1


@pytest.mark.parametrize(
    "balance",
    [
        {"sampling": "none", "loss": "weighted"},
        {"sampling": "class-aware", "loss": "focal"},
        {"augment": {"feature_noise": 0.1, "word_dropout": 0.3, "crop": 0.2, "colour": 0.2}},
    ],
    ids=["weighted", "class-aware", "augmented"],
)
def test_each_way_of_balancing_trains(world, plain, tmp_path, balance):
    """Samplers, losses and augmentation change the weights, and the folder can be evaluated."""
    made = train_retrieval_model(world, tmp_path / "made", small(epochs=1, balance=balance))

    assert not same(weights(plain.folder), weights(made.folder))
    assert evaluate_retrieval_model(made.folder, world) == pytest.approx(made.scores, abs=1e-6)


def test_the_sigmoid_loss_and_bfloat16_train(world, tmp_path):
    """The loss falls under both."""
    spec = small(epochs=4, contrast="sigmoid", precision="bfloat16", schedule="step")
    points = train_retrieval_model(world, tmp_path / "t", spec).points

    assert points[-1].values["loss"] < points[0].values["loss"]


def test_synthesis_changes_the_head_of_the_same_towers(world, tmp_path):
    """Up to it the training is the one without; training.json and the card tell what was made."""
    lacking = shutil.copytree(world, tmp_path / "media")
    sorted((lacking / "train").rglob("text_*.txt"))[0].unlink()
    plain, made = (
        train_retrieval_model(lacking, tmp_path / how, small(epochs=1, balance={"synthesis": how}))
        for how in ("none", "mixup")
    )
    one, other = weights(plain.folder), weights(made.folder)
    told = json.loads((made.folder / "training.json").read_text("utf-8"))["completed"]

    assert {name for name in one if not torch.equal(one[name], other[name])} == {
        "classifier.1.weight",
        "classifier.1.bias",
    }
    assert told["made"] == {"text": 1}
    assert told["epoch"] > 0
    assert "made for what is missing (mixup): 1 text" in (made.folder / "README.md").read_text()
    assert evaluate_retrieval_model(made.folder, lacking) == pytest.approx(made.scores, abs=1e-6)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_learns_in_bfloat16(world, tmp_path):
    """The loss falls, and the folder is evaluated on the CPU as well."""
    made = train_retrieval_model(world, tmp_path / "t", small(epochs=4, device="cuda"))
    there = evaluate_retrieval_model(made.folder, world, device="cpu")

    assert made.points[-1].values["loss"] < made.points[0].values["loss"]
    assert there["text→image RR"] == pytest.approx(made.scores["text→image RR"], abs=0.1)


def test_all_files_may_be_read_by_whom_any_new_file_may(plain):
    """Weights are no secret beside their card."""
    modes = {path.name: path.stat().st_mode & 0o777 for path in plain.folder.iterdir()}

    assert modes["model.safetensors"] == modes["README.md"]
    assert len(set(modes.values())) == 1


def test_one_seed_decides_all_unless_another_is_given():
    """``seed`` is the dataset's too, and what is read again is the same."""
    spec = small(seed=7)

    assert spec.dataset.seed == 7
    assert small(seed=7, dataset={"seed": 3}).dataset.seed == 3
    assert type(spec).model_validate(spec.model_dump()) == spec
