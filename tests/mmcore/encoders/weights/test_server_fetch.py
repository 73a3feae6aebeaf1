"""Fetching one file from a library's server: a real one on this machine."""

from __future__ import annotations

import json

import pytest
import torch
from safetensors.torch import load_file

from mmcore.encoders.weights.cards import CARD
from mmcore.encoders.weights.server_fetch import MIRROR, fetch_file
from mmcore.encoders.weights.wanted import Wanted
from mmcore.errors import UnreachableError, UnsafeWeightsError
from tests.hubs import hub, sha256

CONFIG = {"architecture": "resnet18", "weights": "IMAGENET1K_V1"}


@pytest.fixture
def server(monkeypatch):
    """A server that MMINDEX_PYTORCH_MIRROR names."""
    with hub() as found:
        monkeypatch.setenv(MIRROR, found.url)
        yield found


@pytest.fixture
def data(tmp_path):
    """A file of torch.save."""
    torch.save({"weight": torch.arange(3.0)}, tmp_path / "data")
    return (tmp_path / "data").read_bytes()


def wanted(tmp_path, **fields):
    """Weights of torchvision, as the table of its models tells them."""
    told = {"preset": "resnet18", "id": "torchvision/resnet18", "source": "torchvision"}
    target = tmp_path / "torchvision" / "resnet18"
    return Wanted(**{**told, "target": target, "licence": "BSD-3-Clause", **fields})


def test_a_file_comes_under_its_published_name(server, tmp_path, data):
    """Beside it lie a configuration and a card; a second call asks the server nothing."""
    name = f"resnet18-{sha256(data)[:8]}.pth"
    server.plain[f"/models/{name}"] = data
    asked = wanted(tmp_path, sha256={name: sha256(data)[:8]})

    found = fetch_file(asked, f"models/{name}", CONFIG)

    assert {path.name for path in found.path.iterdir()} == {name, "config.json", CARD}
    assert json.loads((found.path / "config.json").read_text()) == CONFIG
    assert (found.path / name).read_bytes() == data
    assert found.card.files[name].sha256 == sha256(data)
    assert found.card.licence == "BSD-3-Clause"
    assert not fetch_file(asked, f"models/{name}", CONFIG).new
    assert len(server.asked) == 1


@pytest.mark.parametrize("change", [lambda data: data[:-9], lambda data: data[:-1] + b"?"])
def test_another_file_than_was_published_is_refused(server, tmp_path, data, change):
    """One that is cut off, or changed, leaves nothing that looks whole."""
    server.plain["/models/w.pth"] = change(data)
    asked = wanted(tmp_path, sha256={"w.pth": sha256(data)[:8]})

    with pytest.raises(UnsafeWeightsError, match="cut off, or is another file"):
        fetch_file(asked, "models/w.pth", CONFIG)

    assert not asked.target.exists()


def test_a_file_whose_hash_nobody_publishes_is_made_safe(server, tmp_path, data):
    """It is refused, or, where the server is trusted, opened once and kept as safetensors."""
    server.plain["/torchaudio/w.pth"] = data
    with pytest.raises(UnsafeWeightsError, match="--trust-pickle"):
        fetch_file(wanted(tmp_path), "torchaudio/w.pth", CONFIG)
    assert server.asked == []

    found = fetch_file(wanted(tmp_path, trusted=True), "torchaudio/w.pth", CONFIG)

    assert {path.name for path in found.path.iterdir()} == {
        "model.safetensors",
        "config.json",
        CARD,
    }
    assert load_file(found.path / "model.safetensors")["weight"].tolist() == [0, 1, 2]
    assert found.card.converted == f"w.pth {sha256(data)}"


def test_a_server_that_cannot_be_reached_is_one_line(tmp_path, monkeypatch):
    """It says what to do."""
    monkeypatch.setenv(MIRROR, "http://127.0.0.1:9")
    asked = wanted(tmp_path, sha256={"w.pth": "0" * 8})

    with pytest.raises(UnreachableError, match=f"{MIRROR}=https"):
        fetch_file(asked, "models/w.pth", CONFIG)

    assert not asked.target.with_name("resnet18.partial").exists()  # nothing arrived


def test_a_file_that_is_not_on_the_server_is_said(server, tmp_path):
    """Whatever the server answers, the URL is named."""
    asked = wanted(tmp_path, sha256={"w.pth": "0" * 8})

    with pytest.raises(UnreachableError, match=f"{server.url}/models/w.pth"):
        fetch_file(asked, "models/w.pth", CONFIG)
