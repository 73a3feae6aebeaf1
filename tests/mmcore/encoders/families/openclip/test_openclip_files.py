"""Where the preset ``clip`` finds its weights, and how they are opened."""

from __future__ import annotations

import hashlib
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
from mmcore.errors import MissingWeightsError, UnsafeWeightsError
from mmcore.specs import RuntimeSpec
from tests.joint import TEXTS, check_keys, check_light, made, pictures, prepared
from tests.made.checkpoints import clip
from tests.mmcore.encoders.families.openclip.libraries import WEIGHTS

NAMES = presets.get("clip").encoders


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
