"""A small wav2vec 2.0 of random weights: parameters of torchaudio's model, and safetensors."""

from __future__ import annotations

import json
from pathlib import Path

import torch
import torchaudio
from safetensors.torch import save_file

PARAMETERS = {
    "extractor_mode": "group_norm",
    "extractor_conv_layer_config": [[16, 10, 5], [16, 3, 2], [16, 3, 4], [16, 2, 4]],
    "extractor_conv_bias": False,
    "encoder_embed_dim": 32,
    "encoder_projection_dropout": 0.1,
    "encoder_pos_conv_kernel": 16,
    "encoder_pos_conv_groups": 4,
    "encoder_num_layers": 2,
    "encoder_num_heads": 4,
    "encoder_attention_dropout": 0.1,
    "encoder_ff_interm_features": 64,
    "encoder_ff_interm_dropout": 0.0,
    "encoder_dropout": 0.1,
    "encoder_layer_norm_first": False,
    "encoder_layer_drop": 0.05,
    "aux_num_out": None,
}


def make(folder: Path, *, normalised: bool = False, **changed: object) -> Path:
    """Write ``config.json`` and ``model.safetensors``."""
    parameters = {**PARAMETERS, **changed}
    model = network(parameters)
    folder.mkdir(parents=True)
    told = {"architecture": parameters, "normalize_waveform": normalised, "sample_rate": 16_000}
    (folder / "config.json").write_text(json.dumps(told), "utf-8")
    save_file(model.state_dict(), folder / "model.safetensors")
    (folder / "README.md").write_text("---\nlicense: mit\n---\n", "utf-8")
    return folder


def network(parameters: dict) -> torchaudio.models.Wav2Vec2Model:
    """The model, its weights large enough for sounds to have different vectors."""
    torch.manual_seed(5)
    layers = [tuple(layer) for layer in parameters["extractor_conv_layer_config"]]
    model = torchaudio.models.wav2vec2_model(
        **{**parameters, "extractor_conv_layer_config": layers}
    ).eval()
    chance = torch.Generator().manual_seed(5)
    for values in model.encoder.parameters():
        if values.ndim == 2:
            std = 2.2 / values.shape[1] ** 0.5
            torch.nn.init.normal_(values, std=std, generator=chance)
    return model
