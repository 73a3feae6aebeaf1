"""Scores of a folder that a training wrote, on media of any source."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from mmcore.encoders.families.towers_folder import read_config, read_network, read_vocabulary
from mmcore.encoders.presets import encoders_of
from mmcore.errors import ConfigError
from mmcore.specs import RuntimeSpec, SegmentationSpec
from mmcore.training.dataset.items import Caption
from mmcore.training.loop.scores import directions, groups_of
from mmcore.training.towers.evaluate import evaluate_retrieval_model
from mmcore.training.towers.measure import text_side
from mmcore.training.towers.train import train_retrieval_model
from tests.checkpoints import checkpoint
from tests.made.towers import small

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def folder(world, tmp_path_factory):
    """What two epochs came to."""
    spec = small(epochs=2, network={**small().network.model_dump(), "longest": 5})
    return train_retrieval_model(world, tmp_path_factory.mktemp("made") / "t", spec).folder


def test_each_direction_is_told_with_its_measures(folder, world):
    """Among picture, text and sound, and for the texts of each language."""
    scores = evaluate_retrieval_model(folder, world)
    told = {name.rpartition(" ")[0] for name in scores} - {"", "mean class"}
    texts = ("text", "text:zh", "text:en")

    assert told == {
        *(f"{text}→{other}" for text in texts for other in ("image", "audio")),
        *(f"{other}→{text}" for text in texts for other in ("image", "audio")),
        *("image→audio", "audio→image"),
    }
    assert {name.rpartition(" ")[2] for name in scores if "→" in name} == {
        *("Success@1", "Success@5", "Success@10", "RR"),
    }
    assert all(0 <= value <= 1 for value in scores.values())
    assert {"accuracy", "mean class accuracy"} <= scores.keys()


def test_scores_are_those_of_the_encoders(folder, world):
    """The encoders of the preset rank the test split as the evaluation says."""
    from mmcore.training.dataset.media import MultiModalDataset
    from mmcore.training.loop.scores import Side

    dataset = MultiModalDataset(world, "test", small().dataset)
    text, image, _, _ = encoders_of(
        f"towers:{folder}", SegmentationSpec(), RuntimeSpec(device="cpu")
    )
    pixels = np.stack([dataset[n]["image"].permute(1, 2, 0).numpy() for n in range(len(dataset))])
    places = np.arange(len(dataset))
    sides = {
        "image": Side(places, image.encode(np.round(255 * pixels).astype(np.uint8))),
        "text": Side(places, text.encode([of[0].text for of in dataset.texts])),
    }
    scores = evaluate_retrieval_model(folder, world)

    for name, told in directions(sides, groups_of(dataset.caption_keys)).items():
        for measure, value in told.items():
            assert scores[f"{name} {measure}"] == pytest.approx(value), name


def test_a_long_caption_is_read_in_windows_as_the_encoder_does():
    """Not cut, as it is while the network learns."""
    folder = checkpoint("towers")
    config = read_config(folder)
    long = "frog train noon dog " * 9
    side = text_side(
        read_network(folder, config),
        [[], [Caption(long, "en"), Caption("青蛙", "zh")]],
        read_vocabulary(folder, config),
        longest=config.longest,
    )
    (encoder, *_) = encoders_of(f"towers:{folder}", SegmentationSpec(), RuntimeSpec(device="cpu"))

    assert side.items.tolist() == [1, 1]
    np.testing.assert_allclose(side.vectors, encoder.encode([long, "青蛙"]), atol=1e-5)


def test_labels_are_told_by_name(folder, world, tmp_path):
    """A class that the model does not know does not count; the others are told by name."""
    other = tmp_path / "media" / "test"
    for number, name in enumerate(("aardvark", "yellow")):
        to = other / name
        to.mkdir(parents=True)
        source = next((world / "test" / "yellow").glob("image_*.png"))
        (to / f"image_{number}.png").write_bytes(source.read_bytes())
        (to / f"text_{number}.txt").write_text(f"caption {number}")

    here = evaluate_retrieval_model(folder, tmp_path / "media")
    alone = [evaluate_retrieval_model(folder, tmp_path / "media", None)["accuracy"]]
    assert here["accuracy"] in (0.0, 1.0)  # of the one item whose class is known
    assert alone == [here["accuracy"]]


def test_a_split_without_an_item_is_told(folder, world):
    """ConfigError names it."""
    with pytest.raises(ConfigError, match="no split 'other'"):
        evaluate_retrieval_model(folder, world, "other")
    with pytest.raises(ConfigError, match="no item is in the split 'validation'"):
        evaluate_retrieval_model(folder, world / "test" / "red", "validation")


def test_a_folder_that_does_not_say_how_it_was_trained_is_refused(world):
    """The checkpoint of the tests is such a one."""
    with pytest.raises(ConfigError, match=r"training\.json: does not say"):
        evaluate_retrieval_model(checkpoint("towers"), world)


def test_a_folder_may_be_a_text_and_has_to_be_whole(folder, world, tmp_path):
    """Its path as a str is the same; without weights it is refused in one line."""
    assert evaluate_retrieval_model(str(folder), world) == evaluate_retrieval_model(folder, world)
    damaged = shutil.copytree(folder, tmp_path / "t")
    (damaged / "model.safetensors").unlink()

    with pytest.raises(ConfigError, match=r"model\.safetensors: cannot be loaded"):
        evaluate_retrieval_model(damaged, world)


@pytest.mark.parametrize("ruin", [lambda one: one * torch.nan, torch.Tensor.half])
def test_weights_that_are_no_numbers_are_refused(folder, tmp_path, ruin):
    """NaN, and numbers of another kind than were written."""
    damaged = shutil.copytree(folder, tmp_path / "t")
    weights = {name: ruin(one) for name, one in load_file(damaged / "model.safetensors").items()}
    save_file(weights, damaged / "model.safetensors")

    with pytest.raises(ConfigError, match="finite float32"):
        read_network(damaged, read_config(damaged))


@pytest.mark.parametrize(
    "change", [{"words": 9_999_999, "embedding": 65_536}, {"dim": 10**9}, {"pictures": [3.5]}]
)
def test_a_config_that_was_tampered_with_is_refused(folder, tmp_path, change):
    """Absurd sizes before any memory is taken for them, and what is no size."""
    damaged = shutil.copytree(folder, tmp_path / "t")
    told = json.loads((damaged / "config.json").read_text("utf-8"))
    (damaged / "config.json").write_text(json.dumps({**told, **change}), "utf-8")

    with pytest.raises(ConfigError):
        read_network(damaged, read_config(damaged))
