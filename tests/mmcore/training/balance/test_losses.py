from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from mmcore.training.balance.losses import (
    class_weights,
    classification,
    info_nce,
    mixed_classification,
    sigmoid,
)
from mmcore.training.balance.spec import BalanceSpec

PLAIN = BalanceSpec(loss="cross-entropy", sampling="none")
WEIGHTED = BalanceSpec(loss="weighted")
# chances 3/4 and 1/4, then 1/2 and 1/2
LOGITS = torch.tensor([[math.log(3), 0.0], [0.0, 0.0]])
EYE = torch.eye(2)


def test_cross_entropy_is_the_mean_of_the_logarithms():
    """Right with 3/4 and with 1/2: −(ln 3/4 + ln 1/2) / 2."""
    loss = classification(LOGITS, torch.tensor([0, 1]), PLAIN)

    assert loss.item() == pytest.approx(-(math.log(3 / 4) + math.log(1 / 2)) / 2)


def test_a_weighted_loss_counts_rows_by_the_weights_of_their_classes():
    """Weights 1 and 3: −(1 · ln 3/4 + 3 · ln 1/2) / 4."""
    loss = classification(LOGITS, torch.tensor([0, 1]), WEIGHTED, torch.tensor([1.0, 3.0]))

    assert loss.item() == pytest.approx(-(math.log(3 / 4) + 3 * math.log(1 / 2)) / 4)


def test_only_a_weighted_loss_looks_at_the_weights():
    """The others pass over them, and a weighted loss without any is refused."""
    labels, weights = torch.tensor([0, 1]), torch.tensor([1.0, 3.0])

    assert classification(LOGITS, labels, PLAIN, weights) == classification(LOGITS, labels, PLAIN)
    with pytest.raises(ValueError, match="needs class weights"):
        classification(LOGITS, labels, WEIGHTED)


def test_a_focal_loss_turns_from_easy_rows():
    """γ = 2: −((1/4)² ln 3/4 + (1/2)² ln 1/2) / 2."""
    loss = classification(LOGITS, torch.tensor([0, 1]), BalanceSpec(loss="focal", focal_gamma=2))

    assert loss.item() == pytest.approx(-(math.log(3 / 4) / 16 + math.log(1 / 2) / 4) / 2)


def test_a_focal_loss_of_gamma_zero_is_cross_entropy():
    """With γ = 0 nothing is turned from."""
    logits = torch.randn(20, 5, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(20) % 5
    focal = classification(logits, labels, BalanceSpec(loss="focal", focal_gamma=0))

    assert focal.item() == pytest.approx(classification(logits, labels, PLAIN).item())


@pytest.mark.parametrize("gamma", [0.0, 0.5, 2.0])
def test_a_focal_loss_and_its_gradient_are_finite_where_a_row_is_certain(gamma):
    """Logits of ±1000 give chances of 0 and 1, and no NaN."""
    logits = torch.tensor([[1000.0, -1000.0], [1000.0, -1000.0]], requires_grad=True)
    spec = BalanceSpec(loss="focal", focal_gamma=gamma)
    loss = classification(logits, torch.tensor([0, 1]), spec)
    loss.backward()

    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("loss", ["cross-entropy", "weighted", "focal"])
def test_rows_without_a_label_do_not_count(loss):
    """A row of -1 changes nothing; where all are, the loss is a zero that has a gradient."""
    spec, weights = BalanceSpec(loss=loss), torch.tensor([1.0, 3.0])
    logits = torch.cat([LOGITS, torch.tensor([[5.0, -5.0]])]).requires_grad_()
    with_one = classification(logits, torch.tensor([0, 1, -1]), spec, weights)
    none = classification(logits, torch.tensor([-1, -1, -1]), spec, weights)
    none.backward()

    assert with_one.item() == pytest.approx(
        classification(LOGITS, torch.tensor([0, 1]), spec, weights).item()
    )
    assert none.item() == 0
    assert torch.equal(logits.grad, torch.zeros(3, 2))


def test_class_weights_are_those_of_the_effective_number():
    """β = 1/2, one and two rows: 1/2 / 1/2 and 1/2 / 3/4, made 1 on average."""
    weights = class_weights([0, 1, 1, -1], 2, beta=0.5)

    assert weights.tolist() == pytest.approx([1 / (5 / 6), (2 / 3) / (5 / 6)])


def test_class_weights_without_beta_are_equal_and_an_empty_class_has_one():
    """β = 0 weighs all alike; a class without rows weighs as one with a single row."""
    assert class_weights([0, 0, 0, 1], 2, beta=0).tolist() == [1, 1]
    weights = class_weights(np.array([0] * 50 + [1]), 3)
    assert weights[1] == weights[2] > weights[0] > 0


def test_a_mixed_loss_is_shared_between_the_labels_of_both_rows():
    """λ = 0.7: 0.7 of the own labels' loss and 0.3 of the partners'."""
    own, other = torch.tensor([0, 1]), torch.tensor([1, 0])
    loss = mixed_classification(LOGITS, (own, other), 0.7, PLAIN)
    parts = [classification(LOGITS, labels, PLAIN).item() for labels in (own, other)]

    assert loss.item() == pytest.approx(0.7 * parts[0] + 0.3 * parts[1])
    assert mixed_classification(LOGITS, (own, other), 1.0, PLAIN).item() == pytest.approx(parts[0])


def test_info_nce_is_the_cross_entropy_of_both_ways():
    """Right scores 1, wrong ones 0, temperature 1/2: −ln(e² / (e² + 1))."""
    loss = info_nce(EYE, EYE, 0.5)

    assert loss.item() == pytest.approx(-math.log(math.e**2 / (math.e**2 + 1)))


def test_info_nce_takes_the_mean_of_both_ways():
    """Rows and columns have other denominators where both rows of a are the same."""
    a, b = torch.tensor([[1.0, 0.0], [1.0, 0.0]]), EYE
    rows = -(math.log(math.e / (math.e + 1)) + math.log(1 / (math.e + 1))) / 2
    columns = math.log(2)

    assert info_nce(a, b, 1.0).item() == pytest.approx((rows + columns) / 2)


def test_equal_captions_share_the_target_mass_of_info_nce():
    """Rows 0 and 1 have one caption: each aims at both with 1/2; row 2 at itself."""
    same = torch.tensor([[1, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=torch.bool)
    rows = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    pair = -math.log(math.e / (2 * math.e + 1))  # twice, halved
    alone = -math.log(math.e / (math.e + 2))

    assert info_nce(rows, rows, 1.0, same).item() == pytest.approx((2 * pair + alone) / 3)


def test_a_pair_is_right_by_itself_even_where_nothing_is_the_same():
    """`same` without its diagonal changes nothing."""
    nothing = torch.zeros(2, 2, dtype=torch.bool)

    assert info_nce(EYE, EYE, 0.5, nothing) == info_nce(EYE, EYE, 0.5)
    assert sigmoid(EYE, EYE, 10.0, -5.0, nothing) == sigmoid(EYE, EYE, 10.0, -5.0)


def test_the_sigmoid_loss_asks_each_pair_by_itself():
    """Scale 2, bias −1: right pairs score 1, wrong ones −1: 2 · 2 · −ln σ(1) over two rows."""
    each = math.log(1 + math.exp(-1))

    assert sigmoid(EYE, EYE, 2.0, -1.0).item() == pytest.approx(4 * each / 2)


def test_equal_captions_are_right_pairs_of_the_sigmoid_loss():
    """All right: two score 1 and two −1."""
    same = torch.ones(2, 2, dtype=torch.bool)
    loss = sigmoid(EYE, EYE, 2.0, -1.0, same)

    assert loss.item() == pytest.approx(math.log(1 + math.exp(-1)) + math.log(1 + math.e))


def test_losses_of_pairs_lead_to_a_learnt_temperature_and_bias():
    """Temperature, scale and bias may be tensors, and get a finite gradient."""
    temperature, scale, bias = (
        torch.tensor(value, requires_grad=True) for value in (0.07, 10.0, -10.0)
    )
    (info_nce(EYE, EYE, temperature) + sigmoid(EYE, EYE, scale, bias)).backward()

    for one in (temperature, scale, bias):
        assert torch.isfinite(one.grad)
        assert one.grad != 0


def test_a_beta_of_one_weighs_by_the_inverse_of_the_rows():
    """The limit of the formula; beyond it there is none."""
    weights = class_weights([0, 0, 0, 1], 2, beta=1.0)

    assert weights.tolist() == pytest.approx([0.5, 1.5])
    for beta in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="beta"):
            class_weights([0, 1], 2, beta=beta)


def test_no_pairs_cost_nothing():
    """Zero, with a gradient, and not the mean of nothing."""
    none = torch.zeros(0, 2, requires_grad=True)

    for loss in (info_nce(none, none, 0.1), sigmoid(none, none, 10.0, -10.0)):
        assert loss.item() == 0.0
        loss.backward()
