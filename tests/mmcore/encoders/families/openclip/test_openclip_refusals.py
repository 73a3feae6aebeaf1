"""Folders of the preset ``clip`` that are not followed are refused."""

from __future__ import annotations

import shutil

import pytest

from mmcore.errors import ConfigError
from tests.joint import made, pictures, prepared
from tests.mmcore.encoders.families.openclip.libraries import CONFIG, WEIGHTS, changed


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
