"""Text towers of transformers' that open_clip takes, and those of its models as published."""

from __future__ import annotations

from typing import Final

TOWERS: Final = ("bert", "m2m_100", "mt5", "roberta", "xlm-roberta")
"""``model_type`` of the text towers that open_clip takes (open_clip.hf_configs)."""

_ROBERTA: Final = {
    "model_type": "roberta",
    "architectures": ["RobertaModel"],
    "vocab_size": 50265,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3072,
    "hidden_act": "gelu",
    "max_position_embeddings": 514,
    "type_vocab_size": 1,
    "layer_norm_eps": 1e-05,
    "bos_token_id": 0,
    "pad_token_id": 1,
    "eos_token_id": 2,
}
_XLM: Final = {
    **_ROBERTA,
    "model_type": "xlm-roberta",
    "architectures": ["XLMRobertaModel"],
    "vocab_size": 250002,
}
KNOWN: Final = {
    "roberta-base": _ROBERTA,
    "xlm-roberta-base": _XLM,
    "xlm-roberta-large": {
        **_XLM,
        "hidden_size": 1024,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "intermediate_size": 4096,
    },
}
"""Text towers of open_clip's models, as published: their own folders leave the file out."""
