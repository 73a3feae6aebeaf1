"""One seed decides a training: first weights, order, what is dropped out and drawn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Torch's generators seeded within, and as they were before afterwards."""
    import torch  # noqa: PLC0415 - a command line is shown without torch

    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        yield
