"""The preset ``clip``, against open_clip's own transforms, tokenisers and models."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace

import numpy as np
import open_clip
import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file
from transformers import XLMRobertaConfig

from mmcore.encoders.compute.loaded import free
from mmcore.encoders.families import openclip, openclip_files
from mmcore.encoders.presets import presets
from mmcore.errors import ConfigError, MissingWeightsError, UnsafeWeightsError
from mmcore.specs import RuntimeSpec
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
from tests.made.checkpoints import clip

NAMES = presets.get("clip").encoders
CONFIG = "open_clip_config.json"
WEIGHTS = "open_clip_model.safetensors"
SHORT = ["A frog", "一只青蛙", "The train leaves at noon.", "老港口", "2,718 boats!"]
"""Of fewer than 16 tokens of OpenAI's, which has none of Chinese characters."""


@pytest.fixture(scope="module")
def multilingual():
    """The small checkpoint with a text tower of XLM-R's kind."""
    return checkpoint("clip")


@pytest.fixture(scope="module")
def openai(tmp_path_factory):
    """A small one with open_clip's own text tower."""
    return clip.make_openai(tmp_path_factory.mktemp("openai") / "clip")


@pytest.fixture
def copied(multilingual, tmp_path):
    """A copy of the multilingual one that a test may change."""
    return shutil.copytree(multilingual, tmp_path / "copy")


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


def changed(folder, part, **fields):
    """Change fields of a part of the configuration."""
    told = json.loads((folder / CONFIG).read_text())
    inner = told
    for name in part.split("."):
        inner = inner[name]
    inner.update(fields)
    (folder / CONFIG).write_text(json.dumps(told))
    return folder


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


def test_nothing_is_asked_of_a_hub(multilingual, monkeypatch):
    """The configuration of the text tower is the folder's, whatever it is called."""
    asked = []
    monkeypatch.setattr("socket.socket.connect", lambda *place: asked.append(place))
    monkeypatch.setattr("socket.getaddrinfo", lambda *place, **_: asked.append(place))
    free()

    assert made("clip-text", multilingual).encode(TEXTS).shape == (len(TEXTS), 160)
    assert asked == []


def test_the_text_towers_of_laions_models_are_known(copied):
    """Where the folder has no configuration of the text tower, a published one is known."""
    (copied / "config.json").unlink()
    found = openclip_files.checkpoint_of(
        "clip", openclip.PRESET.releases[0], RuntimeSpec(models={"clip": str(copied)})
    )
    with openclip_files.staged(found) as place:
        told = XLMRobertaConfig.from_pretrained(place.partition(":")[2])

    assert (told.vocab_size, told.hidden_size, told.num_hidden_layers) == (250002, 768, 12)
    assert (told.max_position_embeddings, told.pad_token_id) == (514, 1)


def test_one_file_may_be_named(multilingual, copied):
    """A file of safetensors has its configuration beside it; others there do not count."""
    usual = made("clip-image", multilingual).key
    shutil.copy(copied / WEIGHTS, copied / "mine.safetensors")
    (copied / WEIGHTS).write_bytes(b"damaged")
    named = made("clip-image", copied / "mine.safetensors")
    images = prepared(named, pictures()[:2])

    assert named.key.fingerprint != usual.fingerprint  # the name is part of the digest
    np.testing.assert_allclose(
        named.encode(images), made("clip-image", multilingual).encode(images), atol=1e-6
    )


def test_a_name_is_a_folder_below_the_weights(multilingual, tmp_path):
    """``architecture/tag`` is where fetching puts it."""
    place = tmp_path / "weights" / "ViT-B-32" / "laion2b_s34b_b79k"
    shutil.copytree(multilingual, place)
    runtime = RuntimeSpec(
        weights=str(tmp_path / "weights"), models={"clip": "ViT-B-32/laion2b_s34b_b79k"}
    )

    found = openclip_files.checkpoint_of("clip", openclip.PRESET.releases[0], runtime)

    assert found.folder.path == place


def test_the_fingerprint_is_of_the_weights_not_of_their_place(multilingual, copied, tmp_path):
    """A copy has the same keys; what open_clip does not read changes none; weights do."""
    (copied / "README.md").write_text("---\nlicense: mit\n---\n")
    (copied / "open_clip_pytorch_model.bin").write_bytes(b"not read")
    other = clip.make(tmp_path / "other", seed=1)

    check_keys(NAMES, multilingual, copied, other)


def test_making_them_loads_no_library(multilingual):
    """A process that decodes makes encoders without torch."""
    check_light(NAMES, multilingual)


@pytest.mark.parametrize("name", NAMES)
def test_weights_that_are_not_there_are_told(copied, tmp_path, name):
    """A folder without weights says how they are fetched."""
    (copied / WEIGHTS).unlink()
    for folder in (tmp_path, copied):
        with pytest.raises(MissingWeightsError, match="encoders fetch clip"):
            made(name, folder)


def test_a_pickle_is_not_opened(copied):
    """A folder with a pickle only is refused, and told what makes safetensors of it."""
    (copied / WEIGHTS).rename(copied / "open_clip_pytorch_model.bin")

    with pytest.raises(UnsafeWeightsError, match="encoders convert"):
        made("clip-image", copied)
    with pytest.raises(UnsafeWeightsError, match=r"only .safetensors may be named"):
        made("clip-image", copied / "open_clip_pytorch_model.bin")


def test_a_pinned_pickle_is_opened(multilingual, copied, tmp_path, monkeypatch):
    """A pickle whose sha256 the release pins gives the vectors of the same safetensors."""
    pickled = copied / "open_clip_pytorch_model.bin"
    torch.save(load_file(copied / WEIGHTS), pickled)
    (copied / WEIGHTS).unlink()
    sha256 = hashlib.sha256(pickled.read_bytes()).hexdigest()
    pins = {pickled.name: sha256}
    release = replace(openclip.PRESET.releases[0], id="some/clip", sha256=pins)
    monkeypatch.setattr(openclip, "PRESET", replace(openclip.PRESET, releases=(release,)))
    (tmp_path / "some").mkdir()
    copied.rename(tmp_path / "some" / "clip")
    encoder = made("clip-image", multilingual, models={}, weights=str(tmp_path))
    images = prepared(encoder, pictures()[:2])

    np.testing.assert_allclose(
        encoder.encode(images), made("clip-image", multilingual).encode(images), atol=1e-6
    )


@pytest.mark.parametrize(
    ("part", "fields", "named"),
    [
        ("preprocess_cfg", {"resize_mode": "tiles"}, "resize_mode is 'tiles'"),
        ("preprocess_cfg", {"interpolation": "lanczos"}, "interpolation is 'lanczos'"),
        ("preprocess_cfg", {"mode": "L"}, "mode is 'L'"),
        ("preprocess_cfg", {"mean": [0.5]}, "mean is"),
        ("model_cfg.vision_cfg", {"image_size": [24, 40]}, "image_size"),
        ("model_cfg", {"embed_dim": None}, "embed_dim is None"),
        ("model_cfg", {"text_cfg": None}, "no vision_cfg and text_cfg"),
    ],
)
def test_what_is_not_followed_is_refused(copied, part, fields, named):
    """A configuration that asks for something else names the file and the field."""
    changed(copied, part, **fields)

    with pytest.raises(ConfigError, match=f"{CONFIG}: .*{named}"):
        made("clip-image", copied)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"tokenizer_mode": "clips"}, "tokenizer_mode is 'clips'"),
        ({"tokenizer_kwargs": {"reduction_mask": "random"}}, "reduction_mask is 'random'"),
        ({"hf_model_name": "someone/else"}, "hf_model_name is 'someone/else'"),
    ],
)
def test_texts_that_are_not_followed_are_refused(copied, fields, named):
    """The same of texts; a text tower that is not known has to bring its configuration."""
    (copied / "config.json").unlink()
    changed(copied, "model_cfg.text_cfg", **fields)

    with pytest.raises(ConfigError, match=f"{CONFIG}: .*{named}"):
        made("clip-text", copied)


@pytest.mark.parametrize("named", ["hf-hub:owner/model", "hf_hub:x", "local-dir:/x", "owner/x"])
def test_no_tower_is_looked_for_elsewhere(copied, named):
    """Of such a name, timm would ask a hub for an architecture."""
    changed(copied, "model_cfg.vision_cfg", timm_model_name=named)

    with pytest.raises(ConfigError, match=r"timm_model_name is .*not asked"):
        made("clip-image", copied)


def test_a_model_is_made_without_a_network(multilingual, monkeypatch):
    """The hub's library is told to ask nobody, until it is made."""
    create, seen = open_clip.create_model, []

    def watched(*args, **kwargs):
        seen.append(constants.HF_HUB_OFFLINE)
        return create(*args, **kwargs)

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(open_clip, "create_model", watched)
    free()
    made("clip-text", multilingual).encode(["a"])

    assert seen == [True]
    assert constants.HF_HUB_OFFLINE is False


def test_a_folder_without_its_tokeniser_is_refused(copied):
    """The tokeniser is told before anything is loaded."""
    (copied / "tokenizer.json").unlink()

    with pytest.raises(
        ConfigError, match=r"no tokenizer\.json.* the tokeniser's files of 'xlm-roberta-base'"
    ):
        made("clip-text", copied)


def test_weights_of_another_architecture_are_refused(openai, tmp_path):
    """What open_clip says of weights that do not fit is told in one line."""
    folder = shutil.copytree(openai, tmp_path / "copy")
    changed(folder, "model_cfg.vision_cfg", layers=3)
    encoder = made("clip-image", folder)

    with pytest.raises(ConfigError, match=f"{WEIGHTS}: open_clip cannot load it .*Missing key"):
        encoder.encode(prepared(encoder, pictures()[:1]))


def test_which_of_several_weights_has_to_be_said(copied):
    """Of several files that open_clip's names do not order, one has to be named."""
    (copied / WEIGHTS).rename(copied / "a.safetensors")
    shutil.copy(copied / "a.safetensors", copied / "b.safetensors")

    with pytest.raises(ConfigError, match="name one, clip:PATH"):
        made("clip-image", copied)
