from __future__ import annotations

import pytest
import torch

from mmcore.training.balance.mixing import beta, drop_modalities, noisy, shared_mixup


def generator(seed=0):
    """A seeded generator."""
    return torch.Generator().manual_seed(seed)


def test_all_modalities_are_mixed_with_the_same_partner_by_the_same_lambda():
    """λ·x + (1 − λ)·x of the partner, in each block."""
    blocks = {"image": torch.randn(9, 4, generator=generator(1)), "text": torch.eye(9)}
    mixed, lam, order = shared_mixup(blocks, 1.0, generator())

    assert 0 < lam < 1
    assert sorted(order.tolist()) == list(range(9))
    for name, block in blocks.items():
        torch.testing.assert_close(mixed[name], lam * block + (1 - lam) * block[order])


def test_without_alpha_nothing_is_mixed():
    """α = 0 is off: λ is 1."""
    blocks = {"image": torch.eye(5)}
    mixed, lam, _ = shared_mixup(blocks, 0.0, generator())

    assert lam == 1
    assert torch.equal(mixed["image"], blocks["image"])


def test_mixing_is_decided_by_the_generator():
    """The same seed gives the same partners and λ, another one others."""
    one, again, other = (shared_mixup({"a": torch.eye(9)}, 1.0, generator(s)) for s in (0, 0, 1))

    assert torch.equal(one[0]["a"], again[0]["a"])
    assert one[1] != other[1]


def test_blocks_of_different_lengths_are_not_mixed():
    """Their rows cannot belong together."""
    with pytest.raises(ValueError, match="cannot be mixed"):
        shared_mixup({"a": torch.eye(2), "b": torch.eye(3)}, 1.0, generator())


def test_a_beta_draw_is_of_the_beta_distribution():
    """Beta(1/2, 1/2) has mean 1/2 and variance 1/8."""
    draws = generator()
    found = torch.tensor([beta(0.5, draws) for _ in range(4000)])

    assert found.mean().item() == pytest.approx(1 / 2, abs=0.02)
    assert found.var().item() == pytest.approx(1 / 8, abs=0.01)


def test_the_last_modality_is_never_dropped():
    """Even at p = 0.99 each row keeps one that it has; nothing appears."""
    has = torch.rand(500, 3, generator=generator(2)) < 0.6
    kept = drop_modalities(has, 0.99, generator())

    assert torch.equal(kept.any(dim=1), has.any(dim=1))
    assert not (kept & ~has).any()
    assert kept.sum() < has.sum()


def test_modalities_are_dropped_with_the_chance_that_is_asked():
    """Of three that are there, each goes with about p, less the rows where all would."""
    kept = drop_modalities(torch.ones(20_000, 3, dtype=torch.bool), 0.3, generator())

    assert 1 - kept.float().mean().item() == pytest.approx(0.3 - 0.3**3 / 3, abs=0.01)


def test_which_modality_is_saved_is_chance():
    """Where all but one go, each of the three stays alike."""
    kept = drop_modalities(torch.ones(6000, 3, dtype=torch.bool), 0.999, generator())

    assert kept.float().mean(dim=0).tolist() == pytest.approx([1 / 3] * 3, abs=0.03)


def test_without_a_chance_nothing_is_dropped():
    """A chance of 0 is off."""
    has = torch.rand(50, 3, generator=generator()) < 0.5

    assert torch.equal(drop_modalities(has, 0.0, generator()), has)


def test_noise_on_vectors_has_the_length_that_is_asked():
    """A tenth of each row's length, about, and nothing where the row is zero."""
    vectors = torch.randn(50, 1000, generator=generator()) * torch.arange(50)[:, None]
    added = noisy(vectors, 0.1, generator(1)) - vectors

    assert torch.equal(added[0], torch.zeros(1000))
    ratio = added[1:].norm(dim=1) / vectors[1:].norm(dim=1)
    assert ratio.tolist() == pytest.approx([0.1] * 49, rel=0.1)
