"""A small LSTM over log-mel frames, not trained, in the folder that training writes."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from mmcore.encoders.families.recurrent_network import Recurrent
from mmcore.media.sounds.features import log_mel
from tests.made.sounds import music, noise, vowels

HIDDEN, LAYERS = 24, 2


def make(folder: Path, kind: str = "lstm") -> Path:
    """Write ``config.json`` and ``model.safetensors``; scales are those of three sounds."""
    torch.manual_seed(11)
    network = Recurrent(kind, 64, HIDDEN, LAYERS)
    sounds = (music(1.0), vowels(1.0), noise(1.0, 0.1))
    frames = torch.stack([torch.from_numpy(log_mel(one).T.copy()) for one in sounds])
    network.settle(frames.flatten(0, 1))
    with torch.no_grad():
        network.settle_vectors([(frames, torch.full((3,), frames.shape[1]))])
    folder.mkdir(parents=True)
    told = {"architecture": kind, "bands": 64, "rate": 16_000, "hidden": HIDDEN, "layers": LAYERS}
    (folder / "config.json").write_text(json.dumps(told), "utf-8")
    save_file(network.state_dict(), folder / "model.safetensors")
    (folder / "README.md").write_text("---\nlicense: cc0-1.0\n---\n", "utf-8")
    return folder
