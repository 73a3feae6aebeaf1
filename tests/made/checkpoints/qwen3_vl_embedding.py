"""A small random Qwen3-VL-Embedding checkpoint, laid out as Qwen's are on the hub."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

from tests.made.checkpoints.qwen3_embedding import END, POOLING, TURN, bpe_tokenizer
from tests.made.checkpoints.scaled import scaled

TOKENS = 320
"""Fewer than the 262,144 of the real ones; a picture has 256 at most."""

LOUD = 1.3
"""How much a layer adds."""

SPECIAL = (*TURN, "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>")

TEMPLATE = """\
{%- for message in messages %}
    {{- '<|im_start|>' + message.role + '\\n' }}
    {%- for part in message.content %}
        {%- if part.type == 'image' or 'image' in part %}
            {{- '<|vision_start|><|image_pad|><|vision_end|>' }}
        {%- elif 'text' in part %}
            {{- part.text }}
        {%- endif %}
    {%- endfor %}
    {{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|im_start|>assistant\\n' }}
{%- endif %}
"""

PROCESSOR = {
    "size": {"longest_edge": 16777216, "shortest_edge": 65536},
    "patch_size": 16,
    "temporal_patch_size": 2,
    "merge_size": 2,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
    "processor_class": "Qwen3VLProcessor",
    "image_processor_type": "Qwen2VLImageProcessorFast",
}


def make(folder: Path, seed: int = 0) -> Path:
    """Write one whose vectors differ from input to input."""
    folder.mkdir(parents=True)
    tokenizer = bpe_tokenizer(SPECIAL, ends=False)
    tokenizer.save_pretrained(folder)
    (folder / "chat_template.json").write_text(json.dumps({"chat_template": TEMPLATE}))
    (folder / "preprocessor_config.json").write_text(json.dumps(PROCESSOR))
    video = {**PROCESSOR, "video_processor_type": "Qwen3VLVideoProcessor"}
    del video["image_processor_type"]
    (folder / "video_preprocessor_config.json").write_text(json.dumps(video))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(POOLING))
    torch.manual_seed(seed)
    model = scaled(Qwen3VLForConditionalGeneration(_config(tokenizer)), to=LOUD)
    model.save_pretrained(folder)
    return folder


def _config(tokenizer) -> Qwen3VLConfig:
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 256,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "max_position_embeddings": TOKENS,
        "rope_scaling": {"rope_type": "default", "mrope_section": [4, 2, 2]},
    }
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "out_hidden_size": 256,
        "num_position_embeddings": 64,
        "deepstack_visual_indexes": [0],
    }
    image, film, start, end = (
        tokenizer.convert_tokens_to_ids(one)
        for one in ("<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>")
    )
    return Qwen3VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=image,
        video_token_id=film,
        vision_start_token_id=start,
        vision_end_token_id=end,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.convert_tokens_to_ids(END),
    )
