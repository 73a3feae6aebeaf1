"""Rows mixed with others, and modalities hidden: more cases than there are rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor


def shared_mixup(
    blocks: Mapping[str, Tensor], alpha: float, generator: torch.Generator
) -> tuple[dict[str, Tensor], float, Tensor]:
    """Each row mixed with another: (mixed blocks, λ, permutation (n,)).

    λ·x + (1 − λ)·x[permutation], λ from Beta(α, α) (Zhang et al., "mixup", ICLR 2018). All blocks
    are (n, …) with the same rows, and get the same λ and the same partners, so that what belonged
    together still does (FuseMix: Vouitsis et al., "Data-Efficient Multimodal Fusion on a Single
    GPU", CVPR 2024). Results are not made unit again. With α = 0 nothing is mixed (λ = 1).
    Raises ValueError for blocks of different lengths.
    """
    sizes = {len(block) for block in blocks.values()}
    if len(sizes) != 1:
        raise ValueError(f"blocks of {sorted(sizes)} rows cannot be mixed")
    order = torch.randperm(sizes.pop(), generator=generator)
    lam = beta(alpha, generator)
    mixed = {name: lam * x + (1 - lam) * x[order.to(x.device)] for name, x in blocks.items()}
    return mixed, lam, order


def beta(alpha: float, generator: torch.Generator) -> float:
    """One draw from Beta(α, α); 1 where α is 0."""
    if not alpha:
        return 1.0
    # torch's own Beta takes no generator
    seed = int(torch.randint(2**62, (), generator=generator))
    return float(np.random.default_rng(seed).beta(alpha, alpha))


def drop_modalities(has: Tensor, p: float, generator: torch.Generator) -> Tensor:
    """(n, m) bool: ``has`` with each modality hidden with chance ``p``, never a row's last one.

    Where all of a row would go, one of those that it has stays, each with the same chance
    (ModDrop: Neverova et al., 2016). A row that has nothing still has nothing.
    """
    draws = torch.rand(has.shape, generator=generator).to(has.device)
    kept = has & (draws >= p)
    luckiest = torch.where(has, draws, -1.0).argmax(dim=1, keepdim=True)
    saved = torch.zeros_like(has).scatter_(1, luckiest, value=True) & has
    return torch.where(kept.any(dim=1, keepdim=True), kept, saved)


def noisy(vectors: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """(n, d) rows with Gaussian noise of about ``share`` of each row's length added."""
    noise = torch.randn(vectors.shape, generator=generator).to(vectors)
    scale = vectors.norm(dim=1, keepdim=True) * share / vectors.shape[1] ** 0.5
    changed: Tensor = vectors + noise * scale
    return changed
