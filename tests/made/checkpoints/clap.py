"""A small CLAP of random weights, as laion's hub repositories have it."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from tokenizers import ByteLevelBPETokenizer
from transformers import ClapConfig, ClapFeatureExtractor, ClapModel, RobertaTokenizer

SENTENCES = (
    "A dog barks twice in the distance while rain falls on a tin roof.",
    "Someone plays a slow tune on an old piano.",
    "The wind blows hard and the waves break on the shore.",
    "一只狗在远处叫了两声，雨点打在铁皮屋顶上。",
    "有人在旧钢琴上弹着缓慢的曲子。",
    "大风吹过，海浪拍打着岸边。",
)
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
TOKENS = 64


def make(folder: Path, *, fused: bool = True) -> Path:
    """Write model, tokeniser and feature extractor; ``fused`` as clap-htsat-fused has them."""
    torch.manual_seed(7)
    model = ClapModel(_config(fused)).eval()
    for tower, seed, scale in (("text", 3, 1.5), ("audio", 4, 1.8)):
        _scale(model, tower, torch.Generator().manual_seed(seed), scale)
    norm = model.audio_model.audio_encoder.batch_norm  # decibels of real sounds
    norm.running_mean.normal_(-35, 5)
    norm.running_var.fill_(350.0)
    model.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    ClapFeatureExtractor(
        frequency_min=50,
        frequency_max=14_000,
        truncation="fusion" if fused else "rand_trunc",
        padding="repeatpad",
    ).save_pretrained(folder)
    (folder / "README.md").write_text("---\nlicense: apache-2.0\n---\n", "utf-8")
    return folder


def _scale(model: ClapModel, tower: str, chance: torch.Generator, scale: float) -> None:
    """Weights as large as it takes for different inputs to have different vectors."""
    for name, values in model.named_parameters():
        if not name.startswith(tower):
            continue
        if values.ndim > 1:
            std = scale / values[0].numel() ** 0.5
            torch.nn.init.normal_(values, std=std, generator=chance)
        elif "bias" in name and "projection" not in name:
            torch.nn.init.normal_(values, std=0.2, generator=chance)


def _config(fused: bool) -> ClapConfig:
    audio = {
        "patch_size": 8,
        "patch_stride": [8, 8],
        "patch_embeds_hidden_size": 16,
        "depths": [2, 2],
        "num_attention_heads": [2, 4],
        "num_hidden_layers": 2,
        "hidden_size": 32,
        "enable_fusion": fused,
    }
    text = {
        "vocab_size": 400,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 64,
        "max_position_embeddings": TOKENS + 2,
    }
    return ClapConfig(audio_config=audio, text_config=text, projection_dim=24)


def tokenizer() -> RobertaTokenizer:
    """RoBERTa's byte pairs, learnt from the sentences."""
    learnt = ByteLevelBPETokenizer()
    learnt.train_from_iterator(SENTENCES, 400, special_tokens=SPECIAL, show_progress=False)
    told = json.loads(learnt.to_str())["model"]
    merges = [tuple(merge) for merge in told["merges"]]
    return RobertaTokenizer(vocab=told["vocab"], merges=merges, model_max_length=TOKENS)
