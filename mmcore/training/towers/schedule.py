"""The learning rate of each step: it rises, then falls as the schedule says."""

from __future__ import annotations

import math

from mmcore.training.towers.spec import TowersSpec


def rate_at(step: int, steps: int, spec: TowersSpec) -> float:
    """Of step ``step``, from 0, where an epoch has ``steps``.

    A line up to the highest during the warm-up (Goyal et al., 2017); then half a cosine down to 0
    (Loshchilov & Hutter, 2017), steps, or the highest to the end.
    """
    total = spec.epochs * steps
    rising = math.floor(spec.warmup * total)
    if step < rising:
        return spec.rate * (step + 1) / rising
    if spec.schedule == "cosine":
        done = (step - rising) / max(1, total - rising)
        return spec.rate * 0.5 * (1 + math.cos(math.pi * done))
    if spec.schedule == "step":
        return float(spec.rate * spec.step_factor ** (step // (spec.step_epochs * steps)))
    return spec.rate
