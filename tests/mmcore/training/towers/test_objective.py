"""The loss of a batch: pairs that items have, classes, and what is mixed and hidden."""

from __future__ import annotations

import math

import pytest
import torch

from mmcore.encoders.families.towers_network import Inputs, Sizes, Towers
from mmcore.training.balance import losses
from mmcore.training.towers.batches import Batch
from mmcore.training.towers.objective import Objective
from tests.made.towers import small

SIZES = Sizes(
    words=9, classes=3, pictures=(8,), sounds=(8, 8), embedding=6, hidden=4, features=10, dim=5
)


@pytest.fixture
def network():
    """A small one of random weights."""
    torch.manual_seed(1)
    return Towers(SIZES).eval()


def batch(has, labels=None, groups=None):
    """Random items of which that is there."""
    count = len(has)
    generator = torch.Generator().manual_seed(4)
    inputs = Inputs(
        pixels=torch.rand(count, 3, 16, 16, generator=generator),
        words=torch.randint(2, 9, (count, 3), generator=generator),
        word_counts=torch.full((count,), 3),
        samples=torch.randn(count, 900, generator=generator),
        sample_counts=torch.full((count,), 900),
        has=torch.tensor(has),
    )
    told = torch.tensor(labels or [0] * count)
    return Batch(torch.arange(count), inputs, told, torch.tensor(groups or list(range(count))))


BOTH = [True, True, False]
ALL = [True, True, True]


def loss(network, found, **settings):
    """Without anything drawn."""
    objective = Objective(network, small(**settings))
    return objective.loss(found, network.features(found.inputs), None)


def test_pairs_of_two_modalities_are_those_of_info_nce(network):
    """Only items that have both count."""
    found = batch([BOTH, BOTH, BOTH, [True, False, False]])
    features = network.features(found.inputs)
    pictures = network.vectors("image", features["image"][:3])
    texts = network.vectors("text", features["text"])
    wanted = losses.info_nce(pictures, texts, 1 / network.scale)

    torch.testing.assert_close(loss(network, found, objective="contrastive"), wanted)


def test_several_pairs_weigh_by_the_items_that_have_them(network):
    """Four with picture and text, two with a sound: (4 a + 2 b + 2 c) / 8."""
    found = batch([ALL, ALL, BOTH, BOTH])
    features = network.features(found.inputs)
    vectors = {name: network.vectors(name, rows) for name, rows in features.items()}
    one = losses.info_nce(vectors["image"], vectors["text"], 1 / network.scale)
    others = [
        losses.info_nce(vectors[name][:2], vectors["audio"], 1 / network.scale)
        for name in ("image", "text")
    ]

    torch.testing.assert_close(
        loss(network, found, objective="contrastive"), (4 * one + 2 * sum(others)) / 8
    )


def test_equal_captions_are_right(network):
    """A batch of one caption only has nothing to tell apart: the loss is that of a guess."""
    found = batch([BOTH, BOTH], groups=[7, 7])
    same = loss(network, found, objective="contrastive").item()
    apart = loss(network, batch([BOTH, BOTH]), objective="contrastive").item()

    assert same >= math.log(2) - 1e-4
    assert same != pytest.approx(apart)


def test_a_batch_without_a_pair_has_a_loss_of_zero_with_a_gradient(network):
    """It does not end a training."""
    nothing = loss(network, batch([[True, False, False]] * 2), objective="contrastive")
    nothing.backward()

    assert nothing.item() == 0


def test_items_without_a_label_do_not_count(network):
    """The loss of classes is that of the labelled ones."""
    whole = loss(network, batch([ALL, ALL], labels=[1, -1]), objective="classification")
    alone = loss(network, batch([ALL, ALL], labels=[1, 2]), objective="classification")
    other = loss(network, batch([ALL, ALL], labels=[-1, 2]), objective="classification")

    torch.testing.assert_close(alone, (whole + other) / 2)


def test_both_is_the_sum(network):
    """With the weight of the classes."""
    found = batch([ALL, BOTH, ALL], labels=[0, 1, 2])
    classes = loss(network, found, objective="classification")
    pairs = loss(network, found, objective="contrastive")

    torch.testing.assert_close(
        loss(network, found, classification_weight=0.5), 0.5 * classes + pairs
    )


@pytest.mark.parametrize(
    "balance",
    [{"mixup": 1.0}, {"modality_dropout": 0.6}, {"augment": {"feature_noise": 0.5}}],
    ids=["mixup", "modality dropout", "noise"],
)
def test_what_is_drawn_changes_the_loss_by_the_seed_alone(network, balance):
    """Where nothing is learnt, nothing is drawn."""
    found = batch([ALL, BOTH, ALL, ALL], labels=[0, 1, 2, 0])
    objective = Objective(network, small(balance=balance))
    features = network.features(found.inputs)

    def drawn(seed):
        chance = torch.Generator().manual_seed(seed)
        return objective.loss(found, features, chance).item()

    still = objective.loss(found, features, None).item()
    assert drawn(1) == drawn(1)
    assert len({drawn(1), drawn(2), still}) == 3
    assert still == pytest.approx(loss(network, found).item())
