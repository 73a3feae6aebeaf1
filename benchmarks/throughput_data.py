"""What the throughput benchmark works on: pictures, texts, sounds and random weights.

Real sizes and real architectures, random weights from a seed: how fast a model is does not depend
on what it has learnt.
"""

from __future__ import annotations

import json
import os
import random
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.jpeg_rate import photograph

TEXTS = 20_000
SECONDS, RATE = 10, 48_000
_SHORTEST, _CHARS = 8, 400  # characters of a sentence, and of a text at most


def pictures(folder: Path, count: int) -> Path:
    """``count`` JPEGs of 1.2 MP; made once."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        path = folder / f"{number:05d}.jpg"
        if not path.exists():
            photograph(number).save(path, quality=80)
    return folder


def beginning(folder: Path, target: Path, count: int) -> Path:
    """A folder of the first ``count`` files of another, as hard links."""
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.iterdir())[:count]:
        if not (target / path.name).exists():
            os.link(path, target / path.name)
    return target


def small_pictures(folder: Path, count: int) -> Path:
    """``count`` small JPEGs, each another one; made once."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        path = folder / f"{number:05d}.jpg"
        if path.exists():
            continue
        rng = np.random.default_rng(number)
        cells = rng.integers(0, 255, (12, 16, 3), dtype=np.uint8)
        Image.fromarray(cells).resize((320, 240), Image.Resampling.BICUBIC).save(path, quality=80)
    return folder


def texts(corpus: Iterable[Path], count: int = TEXTS) -> list[str]:
    """``count`` texts of one to eight sentences of the files of ``corpus``, Chinese or English."""
    english, chinese = [], []
    for path in corpus:
        for found in re.split(r"(?<=[.!?。！？])\s*|\n+", path.read_text("utf-8", "replace")):
            line = " ".join(found.split())
            if _SHORTEST <= len(line) <= _CHARS:
                (chinese if re.search(r"[\u4e00-\u9fff]", line) else english).append(line)
    dice = random.Random(5)
    made = []
    for _ in range(count):
        lines = dice.choice((english, chinese))
        whole = " ".join(dice.choice(lines) for _ in range(dice.choice((1, 1, 1, 2, 3, 5, 8))))
        made.append(whole[:_CHARS])
    return made


def clips(count: int) -> NDArray[np.float32]:
    """(n, samples) of ten seconds at 48 kHz: chords that glide, over noise."""
    time = np.arange(SECONDS * RATE, dtype=np.float32) / RATE
    found = []
    for number in range(count):
        rng = np.random.default_rng(number)
        wave = rng.normal(0, 0.02, len(time)).astype(np.float32)
        for pitch in rng.uniform(80, 4000, 4):
            wave += 0.2 * np.sin(2 * np.pi * pitch * time * (1 + 0.02 * time), dtype=np.float32)
        found.append(wave / np.abs(wave).max())
    return np.stack(found).astype(np.float32)


def openclip_weights(folder: Path, architecture: str = "ViT-B-32") -> Path:
    """Random weights in open_clip's hub layout, and as a state dict for clip-retrieval."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    if (folder / "open_clip_model.safetensors").exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    model = open_clip.create_model(architecture)
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    torch.save(state, folder / "state.pt")
    config = {
        "model_cfg": open_clip.get_model_config(architecture),
        "preprocess_cfg": open_clip.get_model_preprocess_cfg(model),
    }
    (folder / "open_clip_config.json").write_text(json.dumps(config), "utf-8")
    save_file(state, folder / "open_clip_model.safetensors")
    return folder


def e5_weights(folder: Path, corpus: Sequence[str]) -> Path:
    """A random BERT of multilingual E5 small's size, and a tokeniser trained on ``corpus``."""
    import torch
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
    from tokenizers.processors import TemplateProcessing
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    if (folder / "model.safetensors").exists():
        return folder
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=20_000, special_tokens=special, unk_token="<unk>")
    tokenizer.train_from_iterator(corpus, trainer)
    ends = [(word, tokenizer.token_to_id(word)) for word in ("<s>", "</s>")]
    tokenizer.post_processor = TemplateProcessing(single="<s> $A </s>", special_tokens=ends)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        **{"bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>"},
        **{"unk_token": "<unk>", "pad_token": "<pad>", "model_max_length": 512},
    )
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    size = {"hidden_size": 384, "intermediate_size": 1536, "num_hidden_layers": 12}
    config = BertConfig(vocab_size=250_037, num_attention_heads=12, pad_token_id=1, **size)
    BertModel(config).save_pretrained(folder)
    return folder


def clap_weights(folder: Path) -> Path:
    """A random CLAP of clap-htsat-unfused's size, with its feature extractor and a tokeniser."""
    import torch
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

    if (folder / "model.safetensors").exists():
        return folder
    torch.manual_seed(0)
    ClapModel(ClapConfig()).save_pretrained(folder)
    told: dict[str, Any] = {"truncation": "rand_trunc", "padding": "repeatpad"}
    ClapFeatureExtractor(**told, frequency_min=50, frequency_max=14_000).save_pretrained(folder)
    return folder
