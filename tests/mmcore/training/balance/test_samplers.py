from __future__ import annotations

from collections import Counter
from itertools import islice

import numpy as np
import pytest

from mmcore.errors import NothingToLearnError
from mmcore.training.balance.samplers import ClassAware, balanced

SKEWED = np.array([0] * 900 + [1] * 90 + [2] * 10)


def test_a_balanced_sampler_draws_all_classes_alike():
    """Of 900, 90 and 10 rows, each class is a third of what is drawn."""
    drawn = Counter(SKEWED[list(balanced(SKEWED, seed=0))].tolist())

    assert sum(drawn.values()) == len(SKEWED)
    assert [drawn[one] / 1000 for one in range(3)] == pytest.approx([1 / 3] * 3, abs=0.04)


def test_rows_without_a_label_keep_their_share_of_a_balanced_sampler():
    """A quarter of the rows has no label, and is a quarter of what is drawn."""
    labels = np.array([0] * 700 + [1] * 50 + [-1] * 250)

    drawn = labels[list(balanced(labels, seed=0))]

    assert np.mean(drawn == -1) == pytest.approx(0.25, abs=0.04)
    assert np.mean(drawn == 1) == pytest.approx(0.375, abs=0.04)


def test_the_same_seed_and_epoch_draw_the_same():
    """Another epoch, or another seed, draws others."""
    one, other = balanced(SKEWED, seed=3), balanced(SKEWED, seed=4)
    first = list(one)

    assert first == list(balanced(SKEWED, seed=3))
    assert first != list(other)
    one.set_epoch(1)
    assert first != list(one)
    one.set_epoch(0)
    assert first == list(one)


def test_a_class_aware_batch_has_equally_many_rows_of_each_of_its_classes():
    """Each batch has two different classes, four rows of each, whatever their sizes."""
    sampler = ClassAware(SKEWED, classes_per_batch=2, per_class=4, seed=0)
    batches = list(sampler)

    assert len(batches) == len(sampler) == 125
    for batch in batches:
        assert sorted(Counter(SKEWED[batch].tolist()).values()) == [4, 4]


def test_class_aware_batches_go_through_all_classes_and_all_rows():
    """Classes come alike, and no row comes again before all of its class came."""
    sampler = ClassAware(SKEWED, classes_per_batch=2, per_class=4, seed=0)
    rows = [row for batch in sampler for row in batch]
    rare = [row for row in rows if SKEWED[row] == 2]

    assert Counter(SKEWED[rows].tolist()) == pytest.approx({0: 333, 1: 333, 2: 333}, abs=4)
    assert sorted(islice(rare, 10)) == list(range(990, 1000))
    assert len({row for row in rows if SKEWED[row] == 0}) == len(
        [row for row in rows if SKEWED[row] == 0]
    )


def test_a_class_aware_batch_has_no_more_classes_than_there_are():
    """Of three classes, a batch that may have eight has three; rows without a label none."""
    labels = np.concatenate([SKEWED, [-1] * 50])
    sampler = ClassAware(labels, classes_per_batch=8, per_class=2, seed=1)
    rows = [row for batch in sampler for row in batch]

    assert all(len(batch) == 6 for batch in sampler)
    assert -1 not in labels[rows]
    sampler.set_epoch(1)
    assert rows != [row for batch in sampler for row in batch]


@pytest.mark.parametrize("make", [balanced, lambda labels, seed: ClassAware(labels, 2, 2, seed)])
def test_sampling_by_class_needs_a_label(make):
    """Without any label it is said at once, and not after an epoch."""
    with pytest.raises(NothingToLearnError, match="sampling by class needs some"):
        make(np.array([-1, -1]), 0)
    with pytest.raises(NothingToLearnError):
        make(np.zeros(0, dtype=np.int64), 0)


@pytest.mark.parametrize(("classes", "rows"), [(0, 4), (2, 0)])
def test_a_batch_of_nothing_is_refused(classes, rows):
    """No class, or no row of a class, makes no batch."""
    with pytest.raises(ValueError, match="make no batch"):
        ClassAware(SKEWED, classes, rows, seed=0)
