"""Losses of classes and of pairs; what a label of -1 stands for is left out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from mmcore.training.balance.spec import BalanceSpec


def class_weights(
    labels: NDArray[np.int64] | Sequence[int], classes: int, beta: float = 0.999
) -> Tensor:
    """(classes,) float32 weights by the effective number of rows, 1 on average.

    (1 − β) / (1 − βⁿ) for a class of n rows (Cui et al., "Class-Balanced Loss Based on Effective
    Number of Samples", CVPR 2019). β = 0 weighs all alike, β = 1 by 1/n. A class without rows has
    the weight of one with a single row. Labels of -1 do not count. ValueError for a β that is not
    in 0 to 1.
    """
    if not 0 <= beta <= 1:
        raise ValueError(f"a beta of {beta}: take one from 0 to 1")
    known = np.asarray(labels, dtype=np.int64)
    counts = np.bincount(known[known >= 0], minlength=classes).astype(np.float64)
    rows = np.maximum(counts, 1)
    raw = 1 / rows if beta == 1 else (1 - beta) / (1 - beta**rows)
    return torch.tensor(raw / raw.mean(), dtype=torch.float32)


def classification(
    logits: Tensor, labels: Tensor, spec: BalanceSpec, weights: Tensor | None = None
) -> Tensor:
    """Mean loss of (n, classes) logits for (n,) int64 labels; those of -1 are left out.

    ``cross-entropy``; ``weighted``: Σ w·loss / Σ w with the ``weights`` (classes,) of the rows'
    classes, which the other two pass over; ``focal``: −(1 − p)^γ log p (Lin et al., "Focal Loss
    for Dense Object Detection", ICCV 2017). A batch without any label gives a zero that has a
    gradient. Raises ValueError for ``weighted`` without weights.
    """
    if spec.loss == "weighted" and weights is None:
        raise ValueError("a weighted loss needs class weights")
    known = labels >= 0
    if not bool(known.any()):
        return logits.sum() * 0.0
    logits, labels = logits[known], labels[known]
    if spec.loss == "weighted":
        return functional.cross_entropy(logits, labels, weight=weights)
    if spec.loss == "cross-entropy":
        return functional.cross_entropy(logits, labels)
    chance = functional.log_softmax(logits, dim=1).gather(1, labels[:, None]).squeeze(1)
    # not 0, of which a root has no gradient
    missed = (1 - chance.exp()).clamp_min(torch.finfo(chance.dtype).tiny)
    return (-(missed**spec.focal_gamma) * chance).mean()


def mixed_classification(
    logits: Tensor,
    labels: tuple[Tensor, Tensor],
    lam: float,
    spec: BalanceSpec,
    weights: Tensor | None = None,
) -> Tensor:
    """The loss of rows that were mixed: λ of it for their own labels, the rest for the partners'.

    As of mixup (Zhang et al., ICLR 2018); ``labels`` are the rows' own and their partners'.
    """
    own = classification(logits, labels[0], spec, weights)
    if lam == 1:
        return own
    return lam * own + (1 - lam) * classification(logits, labels[1], spec, weights)


def info_nce(
    a: Tensor, b: Tensor, temperature: Tensor | float, same: Tensor | None = None
) -> Tensor:
    """Symmetric InfoNCE of (n, d) unit rows, row i of ``a`` belonging to row i of ``b``.

    Softmax over the batch (van den Oord et al., "Representation Learning with Contrastive
    Predictive Coding", 2018; both ways as in CLIP). ``same`` (n, n) bool says which other rows of
    ``b`` are right for a row of ``a`` too, such as equal captions: they share the target mass
    (as in UniCL, Yang et al., 2022). Of no rows it is a zero that has a gradient.
    """
    if not len(a):
        return (a.sum() + b.sum()) * 0.0
    scores = a @ b.T / temperature
    right = _right(len(a), same, scores)
    return (_soft(scores, right) + _soft(scores.T, right.T)) / 2


def sigmoid(
    a: Tensor, b: Tensor, scale: Tensor | float, bias: Tensor | float, same: Tensor | None = None
) -> Tensor:
    """Pairwise sigmoid loss of (n, d) unit rows: each pair by itself, summed, over n.

    −log σ(z · (scale · a·b + bias)), z = 1 for what belongs together and −1 else (Zhai et al.,
    "Sigmoid Loss for Language Image Pre-Training", ICCV 2023). The paper starts with scale 10 and
    bias −10. ``same`` as of ``info_nce``: those pairs have z = 1. Of no rows it is a zero
    that has a gradient.
    """
    if not len(a):
        return (a.sum() + b.sum()) * 0.0
    scores = scale * (a @ b.T) + bias
    signs = 2 * _right(len(a), same, scores) - 1
    return -functional.logsigmoid(signs * scores).sum() / len(a)


def _right(count: int, same: Tensor | None, like: Tensor) -> Tensor:
    """(n, n) 1 where a pair belongs together; a row's own pair always does."""
    right = torch.eye(count, dtype=like.dtype, device=like.device)
    return right if same is None else torch.maximum(right, same.to(like))


def _soft(scores: Tensor, right: Tensor) -> Tensor:
    """Mean cross-entropy of the rows against targets that share a row's mass."""
    targets = right / right.sum(dim=1, keepdim=True)
    return -(targets * functional.log_softmax(scores, dim=1)).sum(dim=1).mean()
