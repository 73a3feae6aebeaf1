from __future__ import annotations

import pytest
import torch

from mmcore.errors import NothingToLearnError, TrainingError
from mmcore.training.balance.classifier import ClassifierSpec, fit_classifier
from mmcore.training.balance.features import Features
from mmcore.training.balance.spec import AugmentSpec, BalanceSpec

PLAIN = BalanceSpec(
    sampling="none", loss="cross-entropy", mixup=0, modality_dropout=0, synthesis="none"
)
QUICK = ClassifierSpec(hidden=16, epochs=10, rate=1e-2, balance=PLAIN)
WAYS = {
    "none": {},
    "balanced": {"sampling": "balanced"},
    "class-aware": {"sampling": "class-aware"},
    "weighted": {"loss": "weighted"},
    "focal": {"loss": "focal"},
    "mixup": {"mixup": 1.0},
    "dropout": {"modality_dropout": 0.5},
    "synthesis": {"synthesis": "mixup"},
    "noise": {"augment": AugmentSpec(feature_noise=0.5)},
}


def features(counts, spread, seed):
    """Items of so many of each class: a picture or a sound near their class's, or both."""
    centres = torch.randn(len(counts), 12, generator=torch.Generator().manual_seed(0))
    draws = torch.Generator().manual_seed(seed)
    labels = torch.cat([torch.full((n,), one) for one, n in enumerate(counts)])
    rows = centres[labels] + spread * torch.randn(len(labels), 12, generator=draws)
    has = torch.rand(len(labels), 2, generator=draws) < 0.5
    has[:, 0] |= ~has[:, 1]
    blocks = {"picture": rows[:, :8] * has[:, :1], "sound": rows[:, 8:] * has[:, 1:]}
    return Features(blocks, has, labels)


def with_balance(**fields):
    """Quick settings with some methods on."""
    return QUICK.model_copy(update={"balance": PLAIN.model_copy(update=fields)})


def recalls(fitted, asked, classes):
    """The share of right answers of each class."""
    right = (fitted.logits(asked).argmax(dim=1) == asked.labels).float()
    return [float(right[asked.labels == one].mean()) for one in range(classes)]


@pytest.mark.parametrize("way", WAYS)
def test_it_learns_classes_with_each_method(way):
    """Three classes far apart are told, from whatever an item has, with each method alone."""
    fitted = fit_classifier(features([40, 20, 20], 0.2, seed=1), 3, with_balance(**WAYS[way]))
    asked = features([30, 30, 30], 0.2, seed=2)

    for shown in (asked, asked.only("picture")):
        seen = shown.take(torch.nonzero(shown.has.any(dim=1)).flatten())
        assert min(recalls(fitted, seen, 3)) > 0.9


@pytest.mark.parametrize("way", ["balanced", "class-aware", "weighted"])
def test_rare_classes_are_found_more_often_where_classes_count_alike(way):
    """Of 150 against 6 rows that overlap, the rare class is found far more often."""
    train, asked = features([150, 6], 1.6, seed=3), features([200, 200], 1.6, seed=4)
    plain = recalls(fit_classifier(train, 2, QUICK), asked, 2)
    fields = WAYS[way]
    alike = recalls(fit_classifier(train, 2, with_balance(**fields)), asked, 2)

    assert alike[1] > plain[1] + 0.1


def test_the_same_seed_gives_the_same_weights():
    """Whatever was drawn before; another seed gives others."""
    train = features([20, 20], 0.5, seed=1)
    spec = with_balance(mixup=0.5, modality_dropout=0.3, sampling="balanced", synthesis="mixup")
    one = fit_classifier(train, 2, spec).logits(train)
    torch.rand(7)

    assert torch.equal(fit_classifier(train, 2, spec).logits(train), one)
    other = spec.model_copy(update={"seed": 1})
    assert not torch.equal(fit_classifier(train, 2, other).logits(train), one)


def test_an_item_that_has_nothing_gets_a_finite_answer():
    """The learned vector stands for it, the same for all; nothing hidden decides it."""
    train = features([20, 20], 0.5, seed=1)
    logits = fit_classifier(train, 2, QUICK).logits(train.only())

    assert torch.isfinite(logits).all()
    assert torch.equal(logits, logits[:1].expand_as(logits))


def test_what_is_hidden_decides_nothing():
    """Another vector below a mask of False changes no answer."""
    train = features([20, 20], 0.5, seed=1)
    fitted = fit_classifier(train, 2, QUICK)
    changed = {**train.blocks, "sound": train.blocks["sound"] + 9}
    shown = Features(changed, train.has, train.labels).only("picture")

    assert torch.equal(fitted.logits(shown), fitted.logits(train.only("picture")))


def test_items_without_a_label_are_not_learnt_from():
    """With them, the weights are the same as without."""
    train = features([20, 20, 5], 0.5, seed=1)
    train.labels[40:] = -1
    without = train.take(torch.arange(40))

    found = fit_classifier(train, 2, QUICK).logits(without)
    assert torch.equal(found, fit_classifier(without, 2, QUICK).logits(without))


def test_one_class_is_nothing_to_learn():
    """So are no labels at all."""
    with pytest.raises(NothingToLearnError, match="of 1 classes"):
        fit_classifier(features([20], 0.5, seed=1), 1, QUICK)
    with pytest.raises(NothingToLearnError, match="of 0 classes"):
        fit_classifier(features([20], 0.5, seed=1).take(torch.arange(0)), 1, QUICK)


def test_a_loss_that_is_no_number_ends_the_training():
    """A vector with a NaN is met at the first step."""
    train = features([20, 20], 0.5, seed=1)
    train.blocks["picture"][train.has[:, 0]] = float("nan")

    with pytest.raises(TrainingError, match="epoch 1: the loss is nan"):
        fit_classifier(train, 2, QUICK)
