"""SigLIP 2 of a fixed resolution, against transformers' own processor and model."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoProcessor

from mmcore.encoders.presets import presets
from mmcore.errors import ConfigError, MissingWeightsError, UnsafeWeightsError
from storage.schemas import Modality
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
from tests.made.checkpoints import siglip2
from tests.made.checkpoints.siglip2 import TOKENS

NAMES = presets.get("siglip2").encoders
LONG = "Two boats lie in the old harbour at dusk, 一只青蛙坐在雨中的绿叶上。" * 3


@pytest.fixture(scope="module")
def folder():
    """The small checkpoint."""
    return checkpoint("siglip2")


@pytest.fixture(scope="module")
def library(folder):
    """The processor and the model of it, in float32."""
    return AutoProcessor.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()


@pytest.fixture
def copied(folder, tmp_path):
    """A copy that a test may change."""
    return shutil.copytree(folder, tmp_path / "copy")


def embedded(library, texts):
    """The library's vectors of short texts, as the model's card says: lower case, 64 filled up."""
    processor, model = library
    inputs = processor(
        text=[text.lower() for text in texts],
        padding="max_length",
        max_length=TOKENS,
        return_tensors="pt",
    )
    with torch.inference_mode():
        return unit(model.get_text_features(**inputs).pooler_output)


def changed(folder, name, **fields):
    """Change fields of a JSON file of the folder; a dotted name is a field of a field."""
    told = json.loads((folder / name).read_text())
    for field, value in fields.items():
        part, _, inner = field.rpartition("__")
        (told[part] if part else told)[inner] = value
    (folder / name).write_text(json.dumps(told))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_texts_are_the_librarys(folder, library, dtype):
    """A text has the vector of AutoProcessor and SiglipModel, in lower case."""
    check_faithful(made("siglip2-text", folder, dtype=dtype), TEXTS, embedded(library, TEXTS))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["siglip2-image", "siglip2-frames"])
def test_pictures_are_the_librarys(folder, library, dtype, name):
    """A picture, or a frame, has the vector of AutoProcessor and SiglipModel."""
    processor, model = library
    images = pictures()
    with torch.inference_mode():
        inputs = processor(images=images, return_tensors="pt")
        reference = unit(model.get_image_features(**inputs).pooler_output)
    encoder = made(name, folder, dtype=dtype)

    check_faithful(encoder, prepared(encoder, images), reference)


def test_short_texts_cost_what_long_ones_do(folder):
    """Each row is filled up, so batches count it as full."""
    encoder = made("siglip2-text", folder)
    model = encoder._model.on(encoder._compute, encoder._runtime)

    assert model.lengths([[1, 2], [3]]) == [TOKENS, TOKENS]


def test_a_long_text_is_not_cut(folder, library):
    """A text of more tokens than the model takes is the mean of its windows."""
    processor, model = library
    ids = processor.tokenizer(LONG.lower())["input_ids"]

    def embed(windows):
        filled = [ids + [0] * (TOKENS - len(ids)) for ids in windows]
        with torch.inference_mode():
            return model.get_text_features(torch.tensor(filled)).pooler_output

    expected = by_hand(ids, ([], [1]), TOKENS, embed)

    assert made("siglip2-text", folder).encode([LONG])[0] @ expected >= 0.9999


def test_a_folder_that_says_nothing_of_case_is_not_lowered(copied):
    """Texts are lowered where ``do_lower_case`` says so, and only there."""
    lowering = made("siglip2-text", copied)
    changed(copied, "tokenizer_config.json", do_lower_case=False)
    keeping = made("siglip2-text", copied)

    frogs = ["A FROG", "a frog"]
    np.testing.assert_allclose(*lowering.encode(frogs), atol=1e-5)
    assert np.abs(np.subtract(*keeping.encode(frogs))).max() > 0.01
    assert lowering.key.fingerprint != keeping.key.fingerprint


def test_a_tokeniser_that_masks_is_followed(copied):
    """Where the tokeniser gives a mask, padding is masked, as the library would."""
    changed(copied, "tokenizer_config.json", model_input_names=["input_ids", "attention_mask"])
    library = AutoProcessor.from_pretrained(copied), AutoModel.from_pretrained(copied).eval()

    check_faithful(made("siglip2-text", copied), TEXTS, embedded(library, TEXTS))


def test_the_three_share_one_space(folder):
    """Texts, pictures and frames are of one space, which is named by the weights."""
    keys = [made(name, folder).key for name in NAMES]

    assert len({key.space for key in keys}) == 1
    assert [key.modality for key in keys] == [Modality.TEXT, Modality.IMAGE, Modality.VIDEO]
    assert {key.dim for key in keys} == {48}


def test_the_fingerprint_is_of_the_weights_not_of_their_place(folder, copied, tmp_path):
    """A copy has the same fingerprints; other weights have others."""
    other = siglip2.make(tmp_path / "other", seed=1)

    check_keys(NAMES, folder, copied, other)


def test_making_them_loads_no_library(folder):
    """A process that decodes makes encoders without torch."""
    check_light(NAMES, folder)


@pytest.mark.parametrize("name", NAMES)
def test_weights_that_are_not_there_are_told(tmp_path, name):
    """A folder without weights says how they are fetched."""
    with pytest.raises(MissingWeightsError, match="encoders fetch siglip2"):
        made(name, tmp_path)


@pytest.mark.parametrize("name", ["siglip2-text", "siglip2-image"])
def test_a_pickle_is_not_opened(copied, name):
    """A folder with a pickle only is refused, and told what makes safetensors of it."""
    (copied / "model.safetensors").rename(copied / "pytorch_model.bin")
    encoder = made(name, copied)
    inputs = TEXTS[:1] if encoder.shape is None else prepared(encoder, pictures()[:1])

    with pytest.raises(UnsafeWeightsError, match="encoders convert"):
        encoder.encode(inputs)


def test_weights_that_lack_a_tensor_are_refused(copied):
    """A checkpoint of pictures only has no text encoder, rather than a random one."""
    model = AutoModel.from_pretrained(copied)
    model.vision_model.save_pretrained(copied / "tower")
    shutil.copy(copied / "tower" / "model.safetensors", copied / "model.safetensors")

    with pytest.raises(ConfigError, match=r"lack .* SiglipTextModel"):
        made("siglip2-text", copied).encode(TEXTS[:1])


@pytest.mark.parametrize(
    ("file", "field", "value", "named"),
    [
        ("config.json", "model_type", "siglip2", "NaFlex"),
        ("config.json", "vision_config__image_size", 48, "image_size is 48"),
        ("config.json", "vision_config__vision_use_head", False, "vision_use_head"),
        ("preprocessor_config.json", "do_pad", True, "do_pad is True"),
    ],
)
def test_what_is_not_followed_is_refused(copied, file, field, value, named):
    """A configuration that asks for something else names the file and the field."""
    changed(copied, file, **{field: value})

    with pytest.raises(ConfigError, match=f"{file}: .*{named}"):
        made("siglip2-image", copied)


def test_releases_name_their_revision():
    """What is fetched is a commit, not what a branch has that day."""
    for release in presets.get("siglip2").releases:
        assert len(release.revision) == 40
