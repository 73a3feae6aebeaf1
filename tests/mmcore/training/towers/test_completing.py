"""The head of classes learns from made features too; the towers stay."""

from __future__ import annotations

from functools import partial

import pytest
import torch

from mmcore.encoders.families.towers_network import Sizes, Towers
from mmcore.encoders.families.towers_words import Vocabulary
from mmcore.errors import TrainingError
from mmcore.training.balance.spec import GanSpec
from mmcore.training.dataset.media import MultiModalDataset
from mmcore.training.towers.batches import Batches
from mmcore.training.towers.completing import EPOCHS, complete, features_of
from mmcore.training.towers.objective import Objective
from tests.made import toys
from tests.made.towers import small

WORDS = Vocabulary(("red", "circle"))
SIZES = Sizes(
    words=4, classes=6, pictures=(8,), sounds=(8, 8), embedding=6, hidden=4, features=10, dim=5
)
HIDDEN = (0, 3, 8)  # places of items that have no caption


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Twelve items to learn from, three of them without captions, and twelve held out."""
    root = toys.folder(tmp_path_factory.mktemp("toys") / "media", each=1)
    for place in HIDDEN:
        sorted((root / "train").rglob("text_*.txt"))[place].unlink()
    return root


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A GAN of few steps."""
    small_one = partial(GanSpec, steps=10, hidden=16)
    monkeypatch.setattr("mmcore.training.balance.features.GanSpec", small_one)


@pytest.fixture
def network():
    """A small one of random weights."""
    torch.manual_seed(1)
    return Towers(SIZES)


def batches(world, split, spec):
    """The items of a split."""
    return Batches(MultiModalDataset(world, split, spec.dataset), WORDS, spec)


def completed(world, network, held_out=True, **settings):
    """What came of it."""
    spec = small(**settings)
    tried = batches(world, "validation", spec) if held_out else None
    return complete(Objective(network, spec), batches(world, "train", spec), tried, "cpu")


def kept(network):
    """The weights as they are."""
    return {name: one.clone() for name, one in network.state_dict().items()}


def changed(before, network):
    """The names of weights that are others now."""
    return {
        name for name, one in network.state_dict().items() if not torch.equal(one, before[name])
    }


def test_features_are_those_of_the_towers_and_zeros_elsewhere(world, network):
    """In the dataset's order; what an item has not is zeros."""
    found = features_of(batches(world, "train", small(batch_size=5)), network, "cpu")
    (whole,) = batches(world, "train", small(batch_size=64)).in_order()
    with torch.no_grad():
        told = network.eval().features(whole.inputs)

    assert torch.equal(found.has, whole.inputs.has)
    assert int(found.has[:, 1].sum()) == 9
    torch.testing.assert_close(found.blocks["text"][found.has[:, 1]], told["text"])
    torch.testing.assert_close(found.blocks["image"], told["image"])
    assert not found.blocks["text"][~found.has[:, 1]].any()


@pytest.mark.parametrize("how", ["gan", "mixup"])
def test_only_the_head_learns(world, network, how):
    """Three captions are made, and no weight but those of the classes changes."""
    before = kept(network)
    found = completed(world, network, held_out=False, balance={"synthesis": how})

    assert dict(found.made) == {"text": len(HIDDEN)}
    assert changed(before, network) == {"classifier.1.weight", "classifier.1.bias"}


def test_the_seed_decides_the_head(world, network):
    """The same one gives the same bits, another one others."""
    start, heads = kept(network), []
    for seed in (0, 0, 1):
        network.load_state_dict(start)
        completed(world, network, held_out=False, seed=seed, balance={"synthesis": "mixup"})
        heads.append(network.classifier[1].weight.detach().clone())

    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


def test_what_is_made_is_learnt_from(world, network):
    """Another head comes of it than of what is there alone."""
    start, heads = kept(network), []
    for how in ("none", "gan", "mixup"):
        network.load_state_dict(start)
        completed(world, network, held_out=False, balance={"synthesis": how})
        heads.append(network.classifier[1].weight.detach().clone())

    assert not torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])
    assert not torch.equal(heads[1], heads[2])


def test_without_held_out_items_the_last_head_is_kept(world, network):
    """There is nothing to choose by."""
    assert (
        completed(world, network, held_out=False, balance={"synthesis": "mixup"}).epoch == EPOCHS
    )


def test_a_head_that_gains_nothing_is_left_as_it_was(world, network, monkeypatch):
    """Where no epoch tells more classes of held-out items than the head did before."""
    monkeypatch.setattr(
        "mmcore.training.towers.completing.accuracies", lambda *_: {"mean class accuracy": 0.5}
    )
    before = kept(network)

    assert completed(world, network, balance={"synthesis": "mixup"}).epoch == 0
    assert changed(before, network) == set()


def test_features_that_are_no_numbers_end_it(world, network):
    """Nothing is made of them."""
    with torch.no_grad():
        network.text.out.bias.fill_(float("nan"))

    with pytest.raises(TrainingError):
        completed(world, network, balance={"synthesis": "gan"})
