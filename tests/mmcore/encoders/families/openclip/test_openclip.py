"""The preset ``clip``, against open_clip's own transforms, tokenisers and models."""

from __future__ import annotations

import json
import shutil

import numpy as np
import open_clip
import pytest
import torch

from tests.joint import TEXTS, by_hand, check_faithful, made, pictures, prepared, unit
from tests.made.checkpoints import clip
from tests.mmcore.encoders.families.openclip.libraries import CONFIG, changed

SHORT = ["A frog", "一只青蛙", "The train leaves at noon.", "老港口", "2,718 boats!"]
"""Of fewer than 16 tokens of OpenAI's, which has none of Chinese characters."""


def library(folder, place):
    """open_clip's model, transform and tokeniser; its text tower is looked for in the folder."""
    told = json.loads((folder / CONFIG).read_text())
    if "hf_model_name" in told["model_cfg"]["text_cfg"]:
        folder = shutil.copytree(folder, place / "here")
        told["model_cfg"]["text_cfg"]["hf_model_name"] = str(folder)
        (folder / CONFIG).write_text(json.dumps(told))
    name = f"local-dir:{folder}"
    model, _, transform = open_clip.create_model_and_transforms(name)
    return model.eval(), transform, open_clip.get_tokenizer(name)


def texts_of(model, tokenizer, texts):
    """open_clip's vectors of texts."""
    with torch.inference_mode():
        return unit(model.encode_text(tokenizer(texts)))


def pictures_of(model, transform, images):
    """open_clip's vectors of pictures."""
    with torch.inference_mode():
        return unit(model.encode_image(torch.stack([transform(one) for one in images])))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_texts_are_the_librarys(multilingual, tmp_path, dtype):
    """A text has open_clip's vector, by a text tower of transformers' in the folder."""
    model, _, tokenizer = library(multilingual, tmp_path)
    reference = texts_of(model, tokenizer, TEXTS)

    check_faithful(made("clip-text", multilingual, dtype=dtype), TEXTS, reference)


def test_texts_cost_what_they_are_filled_up_to(openai, multilingual):
    """Rows of open_clip's own tower are filled up; those of transformers' cost what they have."""
    own, other = (made("clip-text", folder) for folder in (openai, multilingual))
    own_model, other_model = (one._model.on(one._compute, one._runtime) for one in (own, other))

    assert own_model.lengths([[1, 2], [3]]) == [own.most, own.most]
    assert other_model.lengths([[1, 2], [3]]) == [2, 1]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_texts_by_the_own_tower_are_the_librarys(openai, tmp_path, dtype):
    """A text has open_clip's vector, by its own text tower and tokeniser."""
    model, _, tokenizer = library(openai, tmp_path)
    reference = texts_of(model, tokenizer, SHORT)

    check_faithful(made("clip-text", openai, dtype=dtype), SHORT, reference)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["clip-image", "clip-frames"])
def test_pictures_are_the_librarys(openai, tmp_path, dtype, name):
    """A picture, or a frame, has open_clip's vector."""
    images = pictures()
    model, transform, _ = library(openai, tmp_path)
    encoder = made(name, openai, dtype=dtype)
    reference = pictures_of(model, transform, images)

    check_faithful(encoder, prepared(encoder, images), reference)


@pytest.mark.parametrize(
    ("preprocess", "config"),
    [
        ({"resize_mode": "longest", "fill_color": 90, "interpolation": "bilinear"}, {}),
        ({"resize_mode": "squash", "mean": [0.5] * 3, "std": [0.5] * 3}, {}),
        ({"interpolation": "random"}, {"quick_gelu": True}),
        (
            {"resize_mode": "squash"},
            {"vision_cfg": clip.VISION | {"image_size": [24, 40]}},
        ),
    ],
)
def test_the_configuration_is_followed(tmp_path, preprocess, config):
    """What the folder says of pictures, and of the model, is what is done."""
    folder = clip.make_openai(tmp_path / "clip", preprocess=preprocess, **config)
    images = pictures()
    model, transform, _ = library(folder, tmp_path)
    encoder = made("clip-image", folder)

    shaped = transform(images[0]).permute(1, 2, 0).numpy() * encoder.recipe.std
    level = np.rint((shaped + encoder.recipe.mean) * 255)
    np.testing.assert_array_equal(encoder.prepare(images[0]), level)
    check_faithful(encoder, prepared(encoder, images), pictures_of(model, transform, images))


def test_coca_is_the_librarys(tmp_path):
    """Both towers of a CoCa have open_clip's vectors; its decoder is left aside."""
    folder = clip.make_coca(tmp_path / "coca")
    images = pictures()
    model, transform, tokenizer = library(folder, tmp_path)
    encoder = made("clip-image", folder)

    check_faithful(encoder, prepared(encoder, images), pictures_of(model, transform, images))
    check_faithful(made("clip-text", folder), SHORT, texts_of(model, tokenizer, SHORT))


@pytest.mark.parametrize("strip", [False, True])
def test_a_tokeniser_of_transformers_before_the_own_tower(openai, multilingual, tmp_path, strip):
    """Padding is the tokeniser's, to the length of the context, and separators may be stripped."""
    folder = shutil.copytree(openai, tmp_path / "mixed")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(multilingual / name, folder / name)
    kwargs = {"clean": "canonicalize", "strip_sep_token": strip}
    changed(folder, "model_cfg.text_cfg", hf_tokenizer_name="x", tokenizer_kwargs=kwargs)
    changed(folder, "model_cfg.text_cfg", pool_type="last", no_causal_mask=True)
    model, _, tokenizer = library(folder, tmp_path)
    texts = ["A frog", "Two boats.", "老港口", "at dusk"]

    check_faithful(made("clip-text", folder), texts, texts_of(model, tokenizer, texts))


def test_a_long_text_is_not_cut(openai, tmp_path):
    """A text of more tokens than the context is the mean of its windows."""
    model, _, tokenizer = library(openai, tmp_path)
    text = "Two boats lie in the old harbour at dusk, 一只青蛙坐在雨中的绿叶上。" * 2
    start, end = tokenizer.sot_token_id, tokenizer.eot_token_id

    def embed(windows):
        filled = [ids + [0] * (16 - len(ids)) for ids in windows]
        with torch.inference_mode():
            return model.encode_text(torch.tensor(filled))

    ids = [start, *tokenizer.encode(text), end]
    expected = by_hand(ids, ([start], [end]), 16, embed)

    assert made("clip-text", openai).encode([text])[0] @ expected >= 0.9999


def test_a_long_text_is_not_cut_by_transformers_tokeniser(multilingual, tmp_path):
    """The same of a text tower of transformers', where 77 tokens are the context."""
    model, _, tokenizer = library(multilingual, tmp_path)
    text = "Two boats lie in the old harbour at dusk, 一只青蛙坐在雨中的绿叶上。" * 4

    def embed(windows):
        with torch.inference_mode():
            return model.encode_text(torch.tensor(windows))

    ids = tokenizer.tokenizer(text)["input_ids"]
    expected = by_hand(ids, ([0], [2]), 77, embed)

    assert made("clip-text", multilingual).encode([text])[0] @ expected >= 0.9999
