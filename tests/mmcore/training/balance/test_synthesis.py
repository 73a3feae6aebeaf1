from __future__ import annotations

import numpy as np
import pytest
import torch

from mmcore.errors import NothingToLearnError, TrainingError
from mmcore.training.balance.spec import GanSpec
from mmcore.training.balance.synthesis import FeatureGan, mixed

SPREAD = 0.5
QUICK = GanSpec(steps=250, hidden=48, noise=6)
CLASSES = torch.tensor([[3.0, 0.0], [-3.0, 1.0]])


def toy(count, seed):
    """A conditional Gaussian: y = condition · W + noise of deviation 1/2; and its mean."""
    weights = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    draws = torch.Generator().manual_seed(seed)
    condition = torch.randn(count, 3, generator=draws)
    mean = condition @ weights
    return condition, mean + SPREAD * torch.randn(count, 4, generator=draws), mean


def energy(one, other):
    """Energy distance of two tables of draws: 0 where they are of one distribution."""
    cross, *own = (torch.cdist(a, b).mean() for a, b in ((one, other), (one, one), (other, other)))
    return float(2 * cross - own[0] - own[1])


@pytest.fixture(scope="module")
def gan():
    """A GAN that learnt the toy of 200 rows."""
    condition, target, _ = toy(200, seed=1)
    return FeatureGan.fit(condition, target, None, QUICK)


def test_the_gan_learns_a_conditional_gaussian_better_than_its_mean(gan):
    """On new conditions its draws are near the conditional mean, and of the joint distribution."""
    condition, target, mean = toy(300, seed=2)
    draws = torch.stack([gan.make(condition, None, seed) for seed in range(20)])
    average = target.mean(dim=0).expand_as(mean)
    joint = torch.cat([condition, target], dim=1)

    assert (draws.mean(dim=0) - mean).square().mean() < 0.1 * (average - mean).square().mean()
    made = energy(torch.cat([condition, draws[0]], dim=1), joint)
    assert made < 0.1 * energy(torch.cat([condition, average], dim=1), joint)


def test_the_gan_draws_with_a_spread(gan):
    """Other seeds draw others, about as far apart as the truth is from its mean."""
    condition, *_ = toy(200, seed=3)
    spread = torch.stack([gan.make(condition, None, seed) for seed in range(20)]).std(dim=0)

    assert 0.3 * SPREAD < float(spread.mean()) < 1.7 * SPREAD


def test_the_same_seeds_make_the_same_vectors(gan):
    """Fitted again and drawn again; another seed draws others."""
    condition, target, _ = toy(200, seed=1)
    again = FeatureGan.fit(condition, target, None, QUICK)

    assert torch.equal(gan.make(condition, None, 5), again.make(condition, None, 5))
    assert not torch.equal(gan.make(condition, None, 5), gan.make(condition, None, 6))


def test_the_gan_goes_by_the_label():
    """Where the condition says nothing, the class decides where its vectors are."""
    draws = torch.Generator().manual_seed(0)
    labels = torch.arange(120) % 2
    target = CLASSES[labels] + 0.2 * torch.randn(120, 2, generator=draws)
    gan = FeatureGan.fit(torch.zeros(120, 1), target, labels, QUICK)

    for label in (0, 1):
        made = gan.make(torch.zeros(50, 1), torch.full((50,), label), 1)
        assert (made.mean(dim=0) - CLASSES[label]).abs().max() < 0.3
    unknown = gan.make(torch.zeros(50, 1), torch.full((50,), -1), 1)
    assert torch.isfinite(unknown).all()


def test_vectors_of_no_spread_are_made_finite():
    """Conditions and targets that are all alike divide nothing by zero."""
    same = torch.ones(10, 3)
    made = FeatureGan.fit(same, same, None, GanSpec(steps=5)).make(same, None, 0)

    assert made.shape == (10, 3)
    torch.testing.assert_close(made, same, atol=1e-3, rtol=0)


def test_a_gan_of_too_few_rows_is_refused():
    """Seven rows are too few, and rows that do not match are a fault of the caller."""
    with pytest.raises(NothingToLearnError, match="7 rows have both"):
        FeatureGan.fit(torch.zeros(7, 2), torch.zeros(7, 2), None)
    with pytest.raises(ValueError, match="9 conditions, 8 targets"):
        FeatureGan.fit(torch.zeros(9, 2), torch.zeros(8, 2), None)


def test_mixed_vectors_lie_between_two_of_their_class():
    """Class 0 has rows 0 and 2, class 1 a single row, which is all that it can give."""
    target = torch.tensor([[0.0, 0.0], [9.0, 9.0], [2.0, 4.0]])
    wanted = np.array([0] * 50 + [1])
    made = mixed(target, np.array([0, 1, 0]), wanted, seed=0)

    assert made.shape == (51, 2)
    torch.testing.assert_close(made[:50, 1], 2 * made[:50, 0])
    assert 0 <= made[:50].min() < made[:50, 0].max() <= 2
    assert len(made[:50].unique(dim=0)) > 20
    assert made[50].tolist() == [9, 9]


def test_mixing_is_decided_by_the_seed_and_may_make_nothing():
    """The same seed mixes the same; of no wanted label nothing is made."""
    target, labels = torch.randn(6, 3), np.array([0, 0, 0, 1, 1, 1])

    assert torch.equal(mixed(target, labels, labels, 1), mixed(target, labels, labels, 1))
    assert not torch.equal(mixed(target, labels, labels, 1), mixed(target, labels, labels, 2))
    assert mixed(target, labels, labels[:0], 1).shape == (0, 3)


def test_a_class_without_rows_cannot_be_mixed():
    """The classes are named."""
    with pytest.raises(NothingToLearnError, match=r"classes \[7\]"):
        mixed(torch.eye(2), np.array([0, 1]), np.array([0, 7]), 0)


def test_what_no_gan_can_learn_of_is_refused():
    """NaN, before any work; labels of another number of rows."""
    condition, target, _ = toy(20, seed=1)
    with pytest.raises(ValueError, match="19 labels"):
        FeatureGan.fit(condition, target, np.zeros(19, dtype=np.int64), QUICK)
    target[3, 1] = torch.nan
    with pytest.raises(TrainingError, match="not finite"):
        FeatureGan.fit(condition, target, None, QUICK)
