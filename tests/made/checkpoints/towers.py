"""Three small towers of random weights, in the folder that training writes."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file

from mmcore.encoders.families.towers_folder import (
    CONFIG,
    VOCABULARY,
    WEIGHTS,
    TowersConfig,
    sizes_of,
)
from mmcore.encoders.families.towers_network import Towers
from mmcore.encoders.families.towers_words import Vocabulary
from tests.made.checkpoints.word2vec import WORDS

CONFIGURED = TowersConfig(
    side=32,
    words=len(Vocabulary(WORDS)),
    longest=16,
    pictures=(8, 16),
    sounds=(32, 16),
    embedding=12,
    hidden=10,
    features=24,
    dim=16,
    classes=("a frog", "火车"),
)


def make(folder: Path) -> Path:
    """Write ``config.json``, ``model.safetensors`` and ``vocab.txt``."""
    torch.manual_seed(3)
    network = Towers(sizes_of(CONFIGURED))
    folder.mkdir(parents=True)
    (folder / CONFIG).write_text(CONFIGURED.model_dump_json(), "utf-8")
    Vocabulary(WORDS).write(folder / VOCABULARY)
    save_file(network.state_dict(), folder / WEIGHTS)
    (folder / "README.md").write_text("---\nlicense: cc0-1.0\n---\n", "utf-8")
    return folder
