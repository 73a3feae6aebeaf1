from __future__ import annotations

import pytest

from mmcore.encoders.compute.device import Compute
from mmcore.encoders.compute.loaded import free
from mmcore.encoders.towers.model import Model
from mmcore.encoders.weights.folder import Folder
from mmcore.errors import ConfigError
from mmcore.specs import RuntimeSpec

CPU = Compute("cpu", "float32")


@pytest.fixture
def folder(tmp_path):
    """A folder with one file of weights."""
    (tmp_path / "model.safetensors").write_bytes(b"some weights")
    yield Folder(tmp_path, ("model.safetensors",), "MIT")
    free()


def model(folder, load):
    """A model that is named by the weights that lie there now."""
    return Model(f"one {folder.digest[:8]}", folder.licence, load, folder=folder)


def test_a_model_is_loaded_once(folder):
    """Whoever asks again gets the same."""
    made = model(folder, lambda _: object())

    assert made.on(CPU, RuntimeSpec()) is made.on(CPU, RuntimeSpec())


def test_weights_that_change_before_they_are_read_are_refused(folder):
    """Else vectors of other weights would bear the name of these; the next try finds them back."""
    made = model(folder, lambda _: (folder.path / "model.safetensors").read_bytes())
    (folder.path / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(ConfigError, match="have changed"):
        made.on(CPU, RuntimeSpec())

    (folder.path / "model.safetensors").write_bytes(b"some weights")
    assert made.on(CPU, RuntimeSpec()) == b"some weights"
