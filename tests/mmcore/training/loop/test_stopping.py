"""When a training ends, and what it refuses to go on with."""

from __future__ import annotations

import math

import pytest
import torch

from mmcore.errors import TrainingError
from mmcore.training.loop.stopping import Stopping, check_loss, check_weights


def test_the_best_epoch_is_kept_and_patience_ends_it():
    """Two epochs without gain after the second are the end; an equal score is no gain."""
    stopping = Stopping(patience=2)
    found = [stopping.better(n, score) for n, score in enumerate((0.1, 0.4, 0.4, 0.3), start=1)]

    assert found == [True, True, False, False]
    assert (stopping.epoch, stopping.best) == (2, 0.4)
    assert stopping.over


def test_a_gain_begins_the_waiting_anew():
    """One epoch without gain, then a better one."""
    stopping = Stopping(patience=2)
    for number, score in enumerate((0.4, 0.3, 0.5, 0.2), start=1):
        stopping.better(number, score)

    assert not stopping.over
    assert stopping.epoch == 3


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_an_error(value):
    """Of a loss and of a score; the epoch is named."""
    with pytest.raises(TrainingError, match="epoch 3"):
        check_loss(3, value)
    with pytest.raises(TrainingError, match="epoch 3"):
        Stopping(patience=1).better(3, value)
    check_loss(3, 0.0)


def test_ruined_weights_are_an_error():
    """One number among many is enough."""
    weights = [torch.ones(3), torch.ones(2, 2)]
    check_weights(4, weights)
    weights[1][0, 1] = math.inf

    with pytest.raises(TrainingError, match="epoch 4: the weights"):
        check_weights(4, weights)
