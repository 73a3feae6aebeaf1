"""A text tower without its words is refused: its vectors would all be the same."""

from __future__ import annotations

import json
import shutil

import pytest

from mmcore.encoders.base import encoders
from mmcore.encoders.families.tokenisers import check_tokeniser
from mmcore.encoders.weights.folder import VOCABULARY
from mmcore.errors import ConfigError
from mmcore.specs import RuntimeSpec, SegmentationSpec
from tests.checkpoints import checkpoint, preset_of

TOWERS = (
    *("e5", "chinese-clip-text", "clap-text", "siglip2-text", "clip-text", "qwen3-embedding"),
    *("qwen3-vl-text", "qwen3-vl-image"),
)


def made(name, folder):
    """The encoder of a folder, on the CPU."""
    models = {preset_of(name): str(folder)}
    return encoders.get(name)(SegmentationSpec(), RuntimeSpec(device="cpu", models=models))


@pytest.fixture
def bare(request, tmp_path):
    """A copy of an encoder's checkpoint without any file of a vocabulary."""
    folder = shutil.copytree(checkpoint(preset_of(request.param)), tmp_path / "bare")
    for pattern in (*VOCABULARY, "merges.txt"):
        for path in folder.glob(pattern):
            path.unlink()
    return request.param, folder


@pytest.mark.parametrize("bare", TOWERS, indirect=True)
def test_a_folder_without_a_vocabulary_makes_no_encoder(bare):
    """Before any work, with the file that is missing."""
    with pytest.raises(ConfigError, match=r"holds no tokenizer\.json"):
        made(*bare)


@pytest.mark.parametrize("bare", TOWERS[:-1], indirect=True)
def test_a_vocabulary_that_is_none_is_refused(bare):
    """A file of that name, which the tokeniser cannot use, gives no vectors."""
    name, folder = bare
    (folder / "spare.model").write_text("x")

    with pytest.raises(ConfigError, match=str(folder)):
        made(name, folder).encode(["a frog", "two red boats"])


@pytest.mark.parametrize("name", ["chinese-clip-image", "siglip2-image", "clap-audio"])
def test_other_towers_need_no_vocabulary(name, tmp_path):
    """Pictures and sounds are embedded without one."""
    folder = shutil.copytree(checkpoint(preset_of(name)), tmp_path / "copy")
    for path in (*folder.glob("tokenizer.json"), *folder.glob("vocab.*")):
        path.unlink()

    assert made(name, folder).key.name == name


@pytest.mark.parametrize("size", [40, 900])
def test_a_tokeniser_of_another_model_is_refused(size, tmp_path):
    """One with more tokens than the model has places, or with less than half as many."""
    folder = shutil.copytree(checkpoint("e5"), tmp_path / "other")
    told = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**told, "vocab_size": size}))

    with pytest.raises(ConfigError, match=r"do not belong together"):
        made("e5", folder).encode(["a"])


class Fake:
    """A tokeniser that gives ids by a rule."""

    vocab_size = 10

    def __init__(self, rule):
        self.rule = rule

    def __call__(self, texts):
        """As a tokeniser of transformers."""
        return {"input_ids": [self.rule(text) for text in texts]}

    def __len__(self):
        return 10


def test_texts_have_to_have_different_ids(tmp_path):
    """One that knows a single sign passes; one for which all are unknown does not."""
    check_tokeniser(Fake(lambda text: [0, 5 if text == "的" else 3, 1]), tmp_path, 10)
    with pytest.raises(ConfigError, match="no vocabulary"):
        check_tokeniser(Fake(lambda _: [0, 3, 1]), tmp_path, 10)
    with pytest.raises(ConfigError, match="no vocabulary"):
        check_tokeniser(Fake(lambda _: []), tmp_path, None)
