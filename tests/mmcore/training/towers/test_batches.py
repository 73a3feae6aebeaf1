"""Batches: which items each has, and what it holds of them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mmcore.encoders.families.towers_words import Vocabulary
from mmcore.training.dataset.media import MultiModalDataset
from mmcore.training.towers.batches import Batches, collated
from tests.made import toys
from tests.made.towers import small

VOCABULARY = Vocabulary(("red", "circle"))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Twelve items to learn from, two of each colour."""
    root = toys.folder(tmp_path_factory.mktemp("toys") / "media", each=1, validation=False)
    spec = small(dataset={"side": 32, "seconds": 0.4, "validation": 0}).dataset
    return MultiModalDataset(root, "train", spec)


def places(batches, epoch):
    """The items of each batch."""
    return [batch.places.tolist() for batch in batches.training(epoch)]


def test_an_epoch_has_each_item_once_in_another_order(dataset):
    """By seed and epoch alone."""
    spec = small(batch_size=5, balance={"sampling": "none"})
    one, other = Batches(dataset, VOCABULARY, spec), Batches(dataset, VOCABULARY, spec)

    assert sorted(place for found in places(one, 1) for place in found) == list(range(12))
    assert [len(found) for found in places(one, 1)] == [5, 5, 2]
    assert places(one, 3) == places(other, 3) != places(one, 1)
    assert one.steps == 3


def test_a_single_item_is_no_batch(dataset):
    """Eleven in a batch and one left are twelve: with one, there is nothing to tell it from."""
    batches = Batches(dataset, VOCABULARY, small(batch_size=11))

    assert [len(found) for found in places(batches, 1)] == [12]


def test_class_aware_batches_have_as_many_of_each_class(dataset):
    """Six items of three classes."""
    balance = {"sampling": "class-aware"}
    batches = Batches(dataset, VOCABULARY, small(batch_size=6, balance=balance))

    for found in places(batches, 1):
        _, counts = np.unique(dataset.labels[found], return_counts=True)
        assert counts.tolist() == [2, 2, 2]


def test_in_order_is_the_order_of_the_dataset(dataset):
    """Whatever the seed."""
    batches = Batches(dataset, VOCABULARY, small(batch_size=5, seed=9))
    found = torch.cat([one.places for one in batches.in_order()])

    assert found.tolist() == list(range(12))


def test_a_batch_holds_what_is_there(dataset):
    """Numbers of words filled up, sounds no longer than the longest, labels, and groups."""
    examples = [(place, dataset[place]) for place in (0, 5)]
    batch = collated(examples, groups=np.arange(12) // 2, vocabulary=VOCABULARY, longest=4)
    inputs = batch.inputs

    assert batch.groups.tolist() == [0, 2]
    assert batch.labels.tolist() == dataset.labels[[0, 5]].tolist()
    assert inputs.pixels.shape == (2, 3, 32, 32)
    assert inputs.words.shape == (2, 4)  # of a longer text, the first words
    assert inputs.samples.shape == (2, int(inputs.sample_counts.max()))
    assert inputs.has.all()
    torch.testing.assert_close(inputs.pixels[1], dataset[5]["image"])


def test_processes_that_decode_beside_change_nothing(dataset):
    """The same batches with a worker as without."""
    here = list(Batches(dataset, VOCABULARY, small(batch_size=5)).training(2))
    beside = list(Batches(dataset, VOCABULARY, small(batch_size=5, workers=1)).training(2))

    for one, other in zip(here, beside, strict=True):
        assert one.places.tolist() == other.places.tolist()
        torch.testing.assert_close(one.inputs.pixels, other.inputs.pixels)
        torch.testing.assert_close(one.inputs.words, other.inputs.words)
        torch.testing.assert_close(one.inputs.samples, other.inputs.samples)


def test_pairs_alone_are_not_sampled_by_class(dataset):
    """A training that tells no classes sees each item once, whatever its labels."""
    batches = Batches(dataset, VOCABULARY, small(batch_size=4, objective="contrastive"))

    assert sorted(place for found in places(batches, 1) for place in found) == list(range(12))


@pytest.mark.parametrize("size", [6, 12, 24])
def test_class_aware_batches_are_as_large_as_wanted(dataset, size):
    """Six classes fill a batch of any size that is a multiple."""
    balance = {"sampling": "class-aware"}
    batches = Batches(dataset, VOCABULARY, small(batch_size=size, balance=balance))

    assert {len(found) for found in places(batches, 1)} == {size}
