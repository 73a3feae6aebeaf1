"""What small checkpoints have in common: sentences for their tokenisers, weights that tell apart.

A random model as libraries make it has nearly the same vector for all inputs, which would agree
with any other.
"""

from __future__ import annotations

import torch

SENTENCES = [
    "A frog sits on a green leaf in the rain.",
    "Two boats lie in the old harbour at dusk.",
    "The train to Paris leaves at noon from platform 4.",
    "一只青蛙坐在雨中的绿叶上。",
    "黄昏时，两条船停在老港口。",
    "開往巴黎的火車中午從四號月台出發。",
    "Short words, long sentences: numbers like 2,718 and 31!",
    "两辆汽车停在 x 号门前，6 boxes of extra wax.",
]


@torch.no_grad()
def scaled(model: torch.nn.Module, to: float = 1.6) -> torch.nn.Module:
    """The model, its matrices as large as keeps their inputs apart, its biases no longer zero."""
    for name, weight in model.named_parameters():
        if weight.ndim < 2:
            if "logit" not in name:
                weight.add_(0.2 * torch.randn_like(weight))
        elif any(part in name for part in ("embedding", "probe", "class", "position")):
            weight.copy_(torch.randn_like(weight))
        else:
            weight.copy_(torch.randn_like(weight) * to / weight[0].numel() ** 0.5)
    return model.eval()
