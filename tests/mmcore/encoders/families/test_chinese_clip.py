"""Chinese-CLIP, against transformers' own processor and model."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from transformers import AutoModel, AutoProcessor

from mmcore.encoders.presets import presets
from mmcore.errors import ConfigError, MissingWeightsError, UnsafeWeightsError
from tests.checkpoints import checkpoint
from tests.joint import (
    TEXTS,
    by_hand,
    check_faithful,
    check_keys,
    check_light,
    made,
    pictures,
    prepared,
    unit,
)
from tests.made.checkpoints import chinese_clip

NAMES = presets.get("chinese-clip").encoders
LONG = "黄昏时，两条船停在老港口。开往巴黎的火车 leaves at noon, 一只青蛙坐在雨中。" * 4


@pytest.fixture(scope="module")
def folder():
    """The small checkpoint."""
    return checkpoint("chinese-clip")


@pytest.fixture(scope="module")
def library(folder):
    """The processor and the model of it, in float32."""
    return AutoProcessor.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()


@pytest.fixture
def copied(folder, tmp_path):
    """A copy that a test may change."""
    return shutil.copytree(folder, tmp_path / "copy")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_texts_are_the_librarys(folder, library, dtype):
    """A text has the vector of AutoProcessor and ChineseCLIPModel."""
    processor, model = library
    with torch.inference_mode():
        inputs = processor(text=TEXTS, padding=True, return_tensors="pt")
        reference = unit(model.get_text_features(**inputs).pooler_output)

    check_faithful(made("chinese-clip-text", folder, dtype=dtype), TEXTS, reference)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["chinese-clip-image", "chinese-clip-frames"])
def test_pictures_are_the_librarys(folder, library, dtype, name):
    """A picture, or a frame, has the vector of AutoProcessor and ChineseCLIPModel."""
    processor, model = library
    images = pictures()
    with torch.inference_mode():
        inputs = processor(images=images, return_tensors="pt")
        reference = unit(model.get_image_features(**inputs).pooler_output)
    encoder = made(name, folder, dtype=dtype)

    check_faithful(encoder, prepared(encoder, images), reference)


def test_a_long_text_is_not_cut(folder, library):
    """A text of more than 52 tokens, the length of the training, is the mean of its windows."""
    processor, model = library
    ids = processor.tokenizer(LONG)["input_ids"]

    def embed(windows):
        with torch.inference_mode():
            return model.get_text_features(torch.tensor(windows)).pooler_output

    expected = by_hand(ids, ([2], [3]), 52, embed)

    assert made("chinese-clip-text", folder).encode([LONG])[0] @ expected >= 0.9999


def test_the_fingerprint_is_of_the_weights_not_of_their_place(folder, copied, tmp_path):
    """A copy has the same keys; other weights have other ones, in another space."""
    other = chinese_clip.make(tmp_path / "other", seed=1)

    check_keys(NAMES, folder, copied, other)


def test_making_them_loads_no_library(folder):
    """A process that decodes makes encoders without torch."""
    check_light(NAMES, folder)


@pytest.mark.parametrize("name", NAMES)
def test_weights_that_are_not_there_are_told(tmp_path, name):
    """A folder without weights says how they are fetched."""
    with pytest.raises(MissingWeightsError, match="encoders fetch chinese-clip"):
        made(name, tmp_path)


def test_a_pickle_is_not_opened(copied):
    """A folder with a pickle only is refused, and told what makes safetensors of it."""
    (copied / "model.safetensors").rename(copied / "pytorch_model.bin")

    with pytest.raises(UnsafeWeightsError, match="encoders convert"):
        made("chinese-clip-text", copied).encode(TEXTS[:1])


@pytest.mark.parametrize(("field", "value"), [("model_type", "clip"), ("projection_dim", "40")])
def test_what_is_not_followed_is_refused(copied, field, value):
    """A configuration of something else names the file and the field."""
    told = json.loads((copied / "config.json").read_text()) | {field: value}
    (copied / "config.json").write_text(json.dumps(told))

    with pytest.raises(ConfigError, match=f"config.json: {field} is '{value}'"):
        made("chinese-clip-text", copied)
