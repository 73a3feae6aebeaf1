"""A small random Chinese-CLIP checkpoint, as OFA-Sys' are on the hub: a BERT vocabulary alone."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from transformers import ChineseCLIPConfig, ChineseCLIPModel

from tests.made.checkpoints.scaled import SENTENCES, scaled

SIDE = 32

PROCESSOR = {
    "crop_size": {"height": SIDE, "width": SIDE},
    "do_center_crop": False,
    "do_normalize": True,
    "do_resize": True,
    "feature_extractor_type": "ChineseCLIPFeatureExtractor",
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "resample": 3,
    "size": {"height": SIDE, "width": SIDE},
}


def make(folder: Path, seed: int = 0) -> Path:
    """Write one whose vectors differ from input to input."""
    folder.mkdir(parents=True)
    words = _vocabulary()
    (folder / "vocab.txt").write_text("\n".join(words) + "\n", encoding="utf-8")
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    shared = {"hidden_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2}
    torch.manual_seed(seed)
    config = ChineseCLIPConfig(
        projection_dim=160,
        text_config={**shared, "intermediate_size": 96, "vocab_size": len(words)},
        vision_config={**shared, "intermediate_size": 96, "image_size": SIDE, "patch_size": 8},
    )
    scaled(ChineseCLIPModel(config), to=1.2).save_pretrained(folder)
    return folder


def _vocabulary() -> list[str]:
    """Special tokens, characters alone and inside words, and some words."""
    text = " ".join(SENTENCES).lower()
    letters = sorted({one for one in text if not one.isspace()} | set("0123456789x"))
    words = sorted({word for word in text.split() if word.isascii() and word.isalpha()})
    inside = [f"##{one}" for one in letters if one.isascii() and one.isalnum()]
    return ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *inside, *words]
