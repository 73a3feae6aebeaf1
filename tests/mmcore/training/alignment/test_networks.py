from __future__ import annotations

import numpy as np
import pytest
import torch

from mmcore.encoders.features import directions
from mmcore.errors import TrainingError
from mmcore.training.alignment.networks import Lesson, Residual, train_member
from mmcore.training.alignment.spec import NetworkSpec
from tests.mmcore.training.alignment.worlds import meanings, shown

SPEC = NetworkSpec(hidden=32, epochs=12, patience=12, dropout=0.0, weight_decay=0.0, mixup=0.0)


def lesson(n=200):
    """Captions, and what a closed form makes of their pictures: it leaves half of it to learn."""
    said = shown(meanings(n), 16, 1)
    seen = directions(0.3 * said + shown(meanings(n), 16, 2, bent=True)).astype(np.float32)
    features = shown(meanings(n), 24, 3, bent=True)
    return Lesson(said, np.concatenate([seen, features], axis=1), np.arange(n))


def test_numpy_applies_what_torch_trained():
    """The same correction, to the last digits of float32."""
    torch.manual_seed(0)
    net = Residual(40, 16, NetworkSpec(hidden=32, blocks=2)).eval()
    torch.nn.init.normal_(net.layers["leave"].weight)
    rows = lesson(9).seen.astype(np.float32)
    with torch.no_grad():
        wanted = net(torch.from_numpy(rows)).numpy()

    np.testing.assert_allclose(directions(rows[:, :16] + net.plain().of(rows)), wanted, atol=1e-5)


def test_it_starts_as_the_closed_form():
    """Before the first step nothing is corrected."""
    torch.manual_seed(0)
    rows = lesson(9).seen.astype(np.float32)

    assert not np.any(Residual(40, 16, SPEC).plain().of(rows))


@pytest.mark.parametrize("loss", ["infonce", "sigmoid"])
def test_what_is_left_to_learn_is_learned(loss):
    """Held-out ranks are better than those of the closed form, and the best epoch is kept."""
    spec = SPEC.model_copy(update={"loss": loss})
    learned = train_member({"pictures": lesson()}, spec, 0, texts=False)
    scores = [point.values["held_out_RR"] for point in learned.points]
    start = train_member(
        {"pictures": lesson()}, spec.model_copy(update={"learning_rate": 1e-12}), 0, texts=False
    )

    assert learned.epoch == 1 + int(np.argmax(scores))
    assert max(scores) > start.points[0].values["held_out_RR"] + 0.02
    assert set(learned.networks) == {"pictures"}


def test_texts_learn_where_they_may():
    """Then there is a network of theirs."""
    learned = train_member({"pictures": lesson(60)}, SPEC, 0, texts=True)

    assert set(learned.networks) == {"pictures", "text"}


def test_the_same_seed_learns_the_same():
    """Mixing, dropout and order are decided by it."""
    spec = NetworkSpec(hidden=16, epochs=2)
    one, other, third = (
        train_member({"a": lesson(60)}, spec, seed, texts=True).networks["a"].tensors
        for seed in (0, 0, 1)
    )

    assert all(np.array_equal(one[name], other[name]) for name in one)
    assert not np.array_equal(one["enter.weight"], third["enter.weight"])


def test_without_gain_the_closed_form_is_kept():
    """Pictures that are where their captions are have nothing to gain: epoch 0, after patience."""
    said = shown(meanings(60), 16, 1, noise=0.0)
    spec = SPEC.model_copy(update={"patience": 2})
    learned = train_member({"a": Lesson(said, said, np.arange(60))}, spec, 0, texts=True)

    assert learned.epoch == 0
    assert len(learned.points) == 2
    assert not np.any(learned.networks["a"].of(said))


def test_a_loss_that_is_no_number_ends_the_training():
    """Nothing is kept of it."""
    broken = lesson(60)
    broken.seen[:] = np.nan
    with pytest.raises(TrainingError):
        train_member({"a": broken}, SPEC, 0, texts=False)
