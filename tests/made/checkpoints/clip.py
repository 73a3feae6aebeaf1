"""Small random checkpoints of open_clip: a text tower of XLM-R's kind, OpenAI's, and CoCa."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from open_clip.coca_model import CoCa
from open_clip.model import CLIP, CustomTextCLIP
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import XLMRobertaConfig, XLMRobertaTokenizer

from tests.made.checkpoints.scaled import SENTENCES, scaled

SIDE = 32
VISION = {"image_size": SIDE, "layers": 2, "width": 48, "head_width": 24, "patch_size": 8}
PREPROCESS = {
    "mean": [0.48145466, 0.4578275, 0.40821073],
    "std": [0.26862954, 0.26130258, 0.27577711],
}
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>"]


def make(folder: Path, seed: int = 0) -> Path:
    """Write one with a text tower of transformers', as laion's with XLM-R is on the hub.

    Beside it lies the text tower's own ``config.json``.
    """
    folder.mkdir(parents=True)
    tokenizer = _tokenizer()
    tower = XLMRobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=96,
        max_position_embeddings=130,
        type_vocab_size=1,
        pad_token_id=1,
        bos_token_id=0,
        eos_token_id=2,
    )
    tower.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    text = {"hf_tokenizer_name": "xlm-roberta-base", "hf_pooler_type": "mean_pooler"}
    config: dict[str, Any] = {"embed_dim": 160, "vision_cfg": VISION}
    here = text | {"hf_model_name": str(folder), "hf_model_pretrained": False}
    torch.manual_seed(seed)
    model = scaled(CustomTextCLIP(**config, text_cfg=here), to=1.6)
    scaled(model.text, to=2.0)
    told = config | {"text_cfg": text | {"hf_model_name": "xlm-roberta-base"}}
    return _written(folder, model, told, None)


def make_openai(
    folder: Path, seed: int = 0, preprocess: dict[str, Any] | None = None, **config: Any
) -> Path:
    """Write one with open_clip's own text tower and tokeniser, as most are."""
    text = {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
    told = {"embed_dim": 40, "vision_cfg": VISION, "text_cfg": text, **config}
    torch.manual_seed(seed)
    return _written(folder, scaled(CLIP(**told), to=1.6), told, preprocess)


def make_coca(folder: Path) -> Path:
    """Write a CoCa (Yu et al., 2022), which has a decoder of captions beside its two towers."""
    text = {"context_length": 16, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2}
    told = {
        "embed_dim": 40,
        "vision_cfg": VISION
        | {"attentional_pool": True, "attn_pooler_heads": 4, "output_tokens": True},
        "text_cfg": text | {"embed_cls": True, "output_tokens": True},
        "multimodal_cfg": text | {"attn_pooler_heads": 2},
    }
    torch.manual_seed(0)
    return _written(folder, scaled(CoCa(**told), to=1.6), told | {"custom_text": True}, None)


def _written(
    folder: Path, model: torch.nn.Module, config: dict[str, Any], preprocess: dict[str, Any] | None
) -> Path:
    """As open_clip.push_to_hf_hub writes them, but for fields that it leaves out."""
    folder.mkdir(parents=True, exist_ok=True)
    told = {"model_cfg": config, "preprocess_cfg": PREPROCESS | (preprocess or {})}
    (folder / "open_clip_config.json").write_text(json.dumps(told))
    tensors = {name: value.contiguous() for name, value in model.state_dict().items()}
    save_file(tensors, folder / "open_clip_model.safetensors")
    return folder


def _tokenizer() -> XLMRobertaTokenizer:
    trained = Tokenizer(models.Unigram())
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=400, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False
    )
    trained.train_from_iterator(SENTENCES, trainer)
    vocabulary = json.loads(trained.to_str())["model"]["vocab"]
    return XLMRobertaTokenizer(vocab=[(piece, score) for piece, score in vocabulary])
