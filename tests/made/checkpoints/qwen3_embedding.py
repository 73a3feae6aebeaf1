"""A small random Qwen3-Embedding checkpoint, and the byte-level tokeniser of Qwen's models."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, processors, trainers
from transformers import Qwen2Tokenizer, Qwen3Config, Qwen3Model

from tests.made.checkpoints.scaled import SENTENCES, scaled

TOKENS = 512
"""Fewer than the 32,768 of the real ones, so that a short test has long texts."""

LOUD = 1.6
"""How much a layer adds."""

HEAD = 16  # of attention

END = "<|endoftext|>"
TURN = ("<|im_start|>", "<|im_end|>")

POOLING = {
    "word_embedding_dimension": 256,
    "pooling_mode_cls_token": False,
    "pooling_mode_mean_tokens": False,
    "pooling_mode_lasttoken": True,
    "include_prompt": True,
}


def make(folder: Path, seed: int = 0) -> Path:
    """Write one whose vectors differ from input to input."""
    folder.mkdir(parents=True)
    tokenizer = bpe_tokenizer(TURN, ends=True)
    tokenizer.save_pretrained(folder)
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(POOLING))
    torch.manual_seed(seed)
    config = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=256,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=HEAD,
        max_position_embeddings=TOKENS,
        tie_word_embeddings=True,
    )
    model = scaled(Qwen3Model(config), to=LOUD)
    near_sighted(model, tokenizer.pad_token_id)
    model.save_pretrained(folder)
    return folder


@torch.no_grad()
def near_sighted(model: Qwen3Model, end: int) -> None:
    """Let each token see what stands close before it, whatever is said further away.

    So a text's vector hardly depends on an instruction long before its end, as a trained model's
    depends little on it. Half of the state is what a token says, the other half is 1 everywhere.
    Queries and keys read the second and are alike: only the rotation by their places tells them
    apart, most where they are close. The last token says nothing of its own.
    """
    half = model.config.hidden_size // 2
    model.embed_tokens.weight[:, half:] = 1
    model.embed_tokens.weight[end, :half] = 0
    model.norm.weight[half:] = 0.02
    for layer in model.layers:
        attention = layer.self_attn
        attention.q_proj.weight[:, :half] = 0
        keys = attention.q_proj.weight[: HEAD * 2].clone()
        attention.k_proj.weight.copy_(keys)
        attention.q_proj.weight.copy_(
            keys.view(2, 1, HEAD, -1).expand(2, 2, HEAD, -1).flatten(0, 2)
        )
        attention.q_norm.weight.fill_(2)
        attention.k_norm.weight.fill_(2)
        attention.v_proj.weight[:, half:] = 0
        attention.o_proj.weight *= 4
        attention.o_proj.weight[half:] = 0
        layer.mlp.down_proj.weight[half:] = 0


def bpe_tokenizer(special: Sequence[str], *, ends: bool) -> Qwen2Tokenizer:
    """Qwen's tokeniser over a few merges; ``ends``: it puts ``<|endoftext|>`` behind a text."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    trained.train_from_iterator(SENTENCES, trainer)
    model = json.loads(trained.to_str())["model"]
    tokenizer = Qwen2Tokenizer(
        vocab=model["vocab"],
        merges=[tuple(pair) for pair in model["merges"]],
        eos_token="<|im_end|>",
        pad_token=END,
        model_max_length=131072,
    )
    tokenizer.add_tokens([AddedToken(one, special=True, normalized=False) for one in special])
    if ends:  # as the hub's tokenizer.json has it
        tokenizer.backend_tokenizer.post_processor = processors.Sequence(
            [
                processors.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False),
                processors.TemplateProcessing(
                    single=f"$A {END}",
                    pair=f"$A {END} $B {END}",
                    special_tokens=[(END, tokenizer.convert_tokens_to_ids(END))],
                ),
            ]
        )
    return tokenizer
