"""What the long-tail benchmark cuts, counts and combines."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from benchmarks.imbalance import METHODS, Trainings, accuracies, pairs_of_best, spec_of
from benchmarks.imbalance_cuts import long_tail
from mmcore.training.balance.spec import BalanceSpec


def test_class_sizes_fall_exponentially_from_head_to_tail():
    """Five classes of 120 to 60: 100, 100 · 50^(−1/4) … and 2; a small class keeps all it has."""
    sizes = {"a": 120, "b": 110, "c": 100, "d": 3, "e": 60}
    categories = {
        10_000 * n + i: name for n, (name, count) in enumerate(sizes.items()) for i in range(count)
    }
    kept = long_tail(categories, set(categories), seed=0)

    assert Counter(categories[i] for i in kept) == {"a": 100, "b": 38, "c": 14, "e": 5, "d": 2}
    assert kept == long_tail(categories, set(categories), seed=0)
    assert kept != long_tail(categories, set(categories), seed=1)


def test_mean_class_accuracy_counts_classes_and_not_rows():
    """Three of four right in one class, none in the other: 3/8, and 3/5 of all."""
    truth = torch.tensor([0, 0, 0, 0, 1])
    logits = torch.eye(2)[[0, 0, 0, 1, 0]]

    assert accuracies(truth, logits) == pytest.approx({"mean class": 3 / 8, "all": 3 / 5})


def test_without_a_method_nothing_is_on_whatever_the_defaults_are():
    """`none` is plain cross-entropy on each row once; a method switches on its own fields."""
    none = spec_of("none")

    assert (none.sampling, none.loss, none.synthesis) == ("none", "cross-entropy", "none")
    assert (none.mixup, none.modality_dropout, none.augment.feature_noise) == (0, 0, 0)
    assert len({spec_of(name).digest for name in METHODS}) == len(METHODS)
    assert isinstance(spec_of("balanced sampling", "focal loss"), BalanceSpec)


def test_the_best_two_are_combined_and_two_that_do_not_aim_at_the_same():
    """Two samplings exclude each other; a sampling and a weighted loss do the same twice."""
    scores = dict.fromkeys(METHODS, 0.1) | {
        "balanced sampling": 0.9,
        "class-aware sampling": 0.8,
        "weighted loss": 0.7,
        "focal loss": 0.6,
        "mixup": 0.5,
    }
    trainings = object.__new__(Trainings)
    trainings.scores = {
        name: {"inner": [{"picture / mean class": value, "all / mean class": value}]}
        for name, value in scores.items()
    }

    assert pairs_of_best(trainings) == [
        ("balanced sampling", "weighted loss"),
        ("balanced sampling", "focal loss"),
    ]
