"""A pickle that nobody pins: the command that its error names makes it loadable."""

from __future__ import annotations

import re
import shlex
import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from typer.testing import CliRunner

from flows.cli import app
from mmcore.encoders.base import encoders
from mmcore.errors import UnsafeWeightsError
from mmcore.specs import RuntimeSpec, SegmentationSpec
from tests.checkpoints import checkpoint, preset_of

TEXTS = ["a frog", "two red boats"]
SOUND = np.sin(np.arange(16_000, dtype=np.float32) / 9)
PICTURE = Image.fromarray(np.arange(64 * 64 * 3, dtype=np.uint8).reshape(64, 64, 3))


def vectors(name, folder):
    """What an encoder of a folder gives of something."""
    models = {preset_of(name): str(folder)}
    made = encoders.get(name)(SegmentationSpec(), RuntimeSpec(device="cpu", models=models))
    if made.shape is None:
        return made.encode(TEXTS)
    of = PICTURE if made.key.modality == "image" else SOUND
    return made.encode(made.prepare(of)[None])


@pytest.mark.parametrize(
    ("name", "pickle"),
    [
        ("e5", "pytorch_model.bin"),
        ("e5", "my weights.pt"),
        ("siglip2-text", "pytorch_model.bin"),
        ("clip-text", "open_clip_pytorch_model.bin"),
        ("wav2vec2", "wav2vec2_fairseq_base_ls960.pth"),
        ("lstm", "state.pt"),
        ("torchvision-image", "my.pth"),
    ],
)
def test_the_advised_command_helps(name, pickle, tmp_path):
    """It is run as it stands; then the folder has the vectors of its safetensors."""
    folder = shutil.copytree(checkpoint(preset_of(name)), tmp_path / "a folder")
    wanted = vectors(name, folder)
    (safe,) = folder.glob("*.safetensors")
    torch.save(load_file(safe), folder / pickle)
    safe.unlink()
    with pytest.raises(UnsafeWeightsError, match="mmindex encoders convert") as caught:
        vectors(name, folder)

    program, *words = shlex.split(re.search(r"`(.*)`", str(caught.value))[1])
    ran = CliRunner().invoke(app, words)

    assert (program, ran.exit_code) == ("mmindex", 0), ran.output
    np.testing.assert_array_equal(vectors(name, folder), wanted)


def test_of_two_pickles_that_of_the_library_is_named(tmp_path):
    """Repositories of open_clip's models have transformers' weights beside."""
    folder = shutil.copytree(checkpoint("clip"), tmp_path / "clip")
    (folder / "open_clip_model.safetensors").rename(folder / "open_clip_pytorch_model.bin")
    (folder / "pytorch_model.bin").write_text("another")

    with pytest.raises(UnsafeWeightsError, match=r"convert \S*/open_clip_pytorch_model\.bin`"):
        vectors("clip-text", folder)
