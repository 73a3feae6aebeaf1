"""Fetching open_clip's models, against a server that speaks a hub's HTTP API."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import save

from mmcore.encoders.families.openclip_fetch import fetch_open_clip
from mmcore.encoders.weights.cards import CARD
from mmcore.encoders.weights.wanted import Wanted
from mmcore.errors import ConfigError, UnsafeWeightsError
from tests.hubs import Repository, hub

pytest.importorskip("open_clip")

WEIGHTS = save({"weight": torch.arange(6.0)})
ENGLISH = "laion/CLIP-ViT-B-32-laion2B-s34B-b79K"
XLM = "FacebookAI/xlm-roberta-base"
MANY = "laion/CLIP-ViT-B-32-xlm-roberta-base-laion5B-s13B-b90k"


@pytest.fixture
def server(monkeypatch):
    """A hub that has open_clip's repositories, each with transformers' weights beside its own."""
    with hub() as found:
        files = {"open_clip_model.safetensors": WEIGHTS, "model.safetensors": b"transformers'"}
        files |= {"config.json": b"{}", "README.md": b"---\nlicense: mit\n---\n"}
        for name in (ENGLISH, MANY):
            found.repositories[name] = Repository("a" * 40, dict(files), {"license": "mit"})
        tower = {"config.json": b'{"model_type": "xlm-roberta"}', "tokenizer.json": b"{}"}
        tower |= {"model.safetensors": WEIGHTS, "sentencepiece.bpe.model": b"pieces"}
        found.repositories[XLM] = Repository("b" * 40, tower)
        monkeypatch.setenv("HF_ENDPOINT", found.url)
        yield found


def fetched(tmp_path, name, **fields):
    """What ``mmindex encoders fetch clip:NAME`` brings."""
    return fetch_open_clip(Wanted("clip", name, "hub", tmp_path / name, **fields))


def names(folder):
    """The files of a folder."""
    return {path.name for path in folder.iterdir()}


def test_an_architecture_and_a_tag_give_a_folder_in_open_clips_layout(server, tmp_path):
    """The repository is found by open_clip's table, its configuration is written from it."""
    found = fetched(tmp_path, "ViT-B-32/laion2b_s34b_b79k")

    assert found.path == tmp_path / "ViT-B-32" / "laion2b_s34b_b79k"
    kept = {"open_clip_model.safetensors", "open_clip_config.json", "README.md", CARD}
    kept |= {"config.json"}  # of the repository, as of any
    assert names(found.path) == kept
    told = json.loads((found.path / "open_clip_config.json").read_text())
    assert told["model_cfg"]["vision_cfg"]["patch_size"] == 32
    assert told["preprocess_cfg"]["interpolation"] == "bicubic"
    assert found.card.id == ENGLISH
    assert not fetched(tmp_path, "ViT-B-32/laion2b_s34b_b79k").new


def test_the_configuration_of_a_repository_counts(server, tmp_path):
    """Where the repository has one, that is kept; else the table's, which knows ids, too."""
    assert "open_clip_config.json" in names(fetched(tmp_path / "without", ENGLISH).path)
    said = b'{"model_cfg": {"embed_dim": 8, "text_cfg": {}}, "preprocess_cfg": {}}'
    server.repositories[ENGLISH].files["open_clip_config.json"] = said

    found = fetched(tmp_path, ENGLISH)

    assert (found.path / "open_clip_config.json").read_bytes() == said


def test_a_repository_of_another_library_is_refused(server, tmp_path):
    """One that has no configuration, and is not in the table, costs no download."""
    server.repositories["own/model"] = server.repositories[ENGLISH]

    with pytest.raises(ConfigError, match="no model of open_clip"):
        fetched(tmp_path, "own/model")

    assert not (tmp_path / "own").exists()


@pytest.mark.parametrize(("tower", "fetched_too"), [("own/tower", True), (XLM, False)])
def test_a_text_tower_of_transformers_brings_its_tokeniser(server, tmp_path, tower, fetched_too):
    """It comes from the tower's own repository, with a configuration that is not known here."""
    files = server.repositories[MANY].files
    text = {"hf_model_name": tower, "hf_tokenizer_name": tower}
    files["open_clip_config.json"] = json.dumps({"model_cfg": {"text_cfg": text}}).encode()
    server.repositories[tower] = server.repositories[XLM]

    found = fetched(tmp_path, MANY)

    assert {"tokenizer.json", "sentencepiece.bpe.model"} <= names(found.path)
    assert "model.safetensors" not in names(found.path)
    told = json.loads((found.path / "config.json").read_text())
    assert told == ({"model_type": "xlm-roberta"} if fetched_too else {})
    assert server.sent[f"{tower}/model.safetensors"] == 0
    assert found.card.beside == {tower: "b" * 40}


def test_a_file_from_elsewhere_is_checked(server, tmp_path, monkeypatch):
    """Where the hub tells the hash of a tokeniser's file, another file is refused."""
    monkeypatch.setattr("tests.hubs.LARGE", (".safetensors", ".model"))
    server.repositories[XLM].told["sentencepiece.bpe.model"] = "1" * 64
    text = {"hf_tokenizer_name": XLM}
    told = json.dumps({"model_cfg": {"text_cfg": text}}).encode()
    server.repositories[MANY].files["open_clip_config.json"] = told

    with pytest.raises(UnsafeWeightsError, match=r"sentencepiece\.bpe\.model"):
        fetched(tmp_path, MANY)


def test_a_card_names_no_other_repository_where_there_is_none(server, tmp_path):
    """All of an English model is its own."""
    assert fetched(tmp_path, ENGLISH).card.beside == {}


def test_a_model_without_safetensors_is_refused(server, tmp_path):
    """The sentence says how the pickle can be made safe."""
    files = server.repositories[MANY].files
    files["open_clip_pytorch_model.bin"] = files.pop("open_clip_model.safetensors")

    with pytest.raises(
        UnsafeWeightsError, match=r"open_clip_pytorch_model\.bin is a pickle.*--trust"
    ):
        fetched(tmp_path, MANY)


def test_a_trusted_pickle_gets_open_clips_name(server, tmp_path):
    """What is made of the pickle is called as open_clip calls it."""
    torch.save({"weight": torch.ones(2)}, tmp_path / "w")
    files = server.repositories[ENGLISH].files
    files["open_clip_pytorch_model.bin"] = (tmp_path / "w").read_bytes()
    del files["open_clip_model.safetensors"]

    found = fetched(tmp_path, "ViT-B-32/laion2b_s34b_b79k", trusted=True)

    assert "open_clip_model.safetensors" in names(found.path)
    assert not {"open_clip_pytorch_model.bin", "model.safetensors"} & names(found.path)
