"""The seed of a training."""

from __future__ import annotations

import torch

from mmcore.training.loop.seeds import seeded


def test_a_seed_decides_what_is_drawn_and_leaves_no_trace():
    """The same numbers inside; outside, those that would have come anyway."""
    torch.manual_seed(5)
    wanted = torch.rand(2)
    torch.manual_seed(5)
    with seeded(1):
        one = torch.rand(3)
    with seeded(1):
        other = torch.rand(3)
    with seeded(2):
        another = torch.rand(3)

    assert torch.equal(one, other)
    assert not torch.equal(one, another)
    assert torch.equal(torch.rand(2), wanted)
