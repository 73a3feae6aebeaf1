"""A small random SigLIP 2 checkpoint of a fixed resolution, as google's are on the hub."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, normalizers, trainers
from transformers import GemmaTokenizer, SiglipConfig, SiglipModel

from tests.made.checkpoints.scaled import SENTENCES, scaled

SPECIAL = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
BYTES = [f"<0x{n:02X}>" for n in range(256)]
SIDE = 32
TOKENS = 16
"""Fewer than the 64 of the real ones, so that a short test has long texts."""

PROCESSOR = {
    "do_convert_rgb": None,
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_processor_type": "SiglipImageProcessor",
    "image_std": [0.5, 0.5, 0.5],
    "processor_class": "SiglipProcessor",
    "resample": 2,
    "rescale_factor": 0.00392156862745098,
    "size": {"height": SIDE, "width": SIDE},
}


def make(folder: Path, seed: int = 0) -> Path:
    """Write one whose vectors differ from input to input."""
    folder.mkdir(parents=True)
    tokenizer = _tokenizer()
    tokenizer.save_pretrained(folder)
    told = json.loads((folder / "tokenizer_config.json").read_text())
    told |= {"do_lower_case": True, "processor_class": "SiglipProcessor"}
    (folder / "tokenizer_config.json").write_text(json.dumps(told))
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    shared = {
        "hidden_size": 48,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    text = {
        "vocab_size": len(tokenizer),
        "max_position_embeddings": TOKENS,
        "pad_token_id": 0,
        "bos_token_id": 2,
        "eos_token_id": 1,
    }
    torch.manual_seed(seed)
    config = SiglipConfig(
        text_config={**shared, **text},
        vision_config={**shared, "image_size": SIDE, "patch_size": 8},
    )
    model = SiglipModel(config)
    scaled(model.vision_model, to=1.0), scaled(model.text_model, to=2.0)
    with torch.no_grad():  # the last place is pooled: else all texts look like their padding
        model.text_model.embeddings.token_embedding.weight[0] = 0
        model.text_model.embeddings.position_embedding.weight *= 0.3
    model.save_pretrained(folder)
    return folder


def _tokenizer() -> GemmaTokenizer:
    trained = Tokenizer(models.BPE(byte_fallback=True, fuse_unk=True, unk_token="<unk>"))
    trained.normalizer = normalizers.Replace(" ", "▁")
    trainer = trainers.BpeTrainer(
        vocab_size=600, special_tokens=[*SPECIAL, *BYTES], show_progress=False
    )
    trained.train_from_iterator([one.lower() for one in SENTENCES], trainer)
    model = json.loads(trained.to_str())["model"]
    return GemmaTokenizer(
        vocab=model["vocab"],
        merges=[tuple(pair) for pair in model["merges"]],
        add_bos_token=False,
        add_eos_token=True,
        padding_side="right",
        model_input_names=["input_ids"],
        model_max_length=TOKENS,
    )
