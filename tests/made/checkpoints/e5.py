"""A small random multilingual E5 checkpoint: a BERT (small) or an XLM-RoBERTa (base, large)."""

from __future__ import annotations

import json
import string
from itertools import pairwise
from pathlib import Path

import torch
from transformers import (
    BertConfig,
    BertModel,
    XLMRobertaConfig,
    XLMRobertaModel,
    XLMRobertaTokenizer,
)

from tests.made.checkpoints.scaled import SENTENCES, scaled

TOKENS = 48
"""Fewer than the 512 of the real ones, so that a short test has long texts."""

LOUD = 1.3
"""How much a layer adds."""

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]
SHARED = {
    "hidden_size": 256,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
}

POOLING = {
    "word_embedding_dimension": 256,
    "pooling_mode_cls_token": False,
    "pooling_mode_mean_tokens": True,
    "pooling_mode_max_tokens": False,
    "pooling_mode_mean_sqrt_len_tokens": False,
}


def make(folder: Path, kind: str = "bert", seed: int = 0) -> Path:
    """Write one whose vectors differ from input to input; ``kind``: its model type."""
    folder.mkdir(parents=True)
    tokenizer = _tokenizer()
    tokenizer.save_pretrained(folder)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(POOLING))
    torch.manual_seed(seed)
    if kind == "bert":  # its configuration's own padding id is 0, the tokeniser's is 1
        config = BertConfig(vocab_size=len(tokenizer), max_position_embeddings=TOKENS, **SHARED)
        model = BertModel(config)
    else:
        config = XLMRobertaConfig(
            vocab_size=len(tokenizer),
            max_position_embeddings=TOKENS + 2,
            type_vocab_size=1,
            pad_token_id=1,
            bos_token_id=0,
            eos_token_id=2,
            layer_norm_eps=1e-5,
            **SHARED,
        )
        model = XLMRobertaModel(config)
    scaled(model, to=LOUD)
    with torch.no_grad():  # what all tokens share would make all texts alike
        model.embeddings.token_type_embeddings.weight *= 0.3
        model.embeddings.word_embeddings.weight *= 2
    model.save_pretrained(folder)
    return folder


def _tokenizer() -> XLMRobertaTokenizer:
    """Of pieces that a short list of sentences has: characters, words, pairs of Chinese ones."""
    words = {word for line in SENTENCES for word in line.split() if word.isascii()}
    lines = [line for line in SENTENCES if not line.isascii()]
    pairs = {a + b for line in lines for a, b in pairwise(line)}
    known = {"passage:": -6.0, "query:": -6.0, **dict.fromkeys(words, -8.0)}
    pieces = {f"▁{word}": score for word, score in sorted(known.items())}
    pieces |= dict.fromkeys(sorted(pairs), -9.0)
    pieces |= dict.fromkeys(sorted({*"▁", *string.printable.strip(), *"".join(lines)}), -10.0)
    special = [(one, 0.0) for one in SPECIAL]
    return XLMRobertaTokenizer(
        vocab=[*special, *pieces.items(), ("<mask>", 0.0)], model_max_length=TOKENS
    )
