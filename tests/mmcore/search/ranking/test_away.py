"""What is not wanted goes down; the order of all else is by what is wanted."""

import numpy as np
import pytest

from mmcore.errors import ConfigError
from mmcore.search.ranking.away import Aim, loss
from mmcore.search.ranking.calibrated import Background, Scale
from mmcore.types import unit_rows
from tests.factories import unit_vectors

A, B = np.eye(2, dtype=np.float32)


def test_what_is_wanted_is_the_mean_of_it_alone():
    """Without what is not wanted, which is kept beside it; ``less`` has it taken away."""
    aim = Aim.of([A, B], [2.0, -1.0])

    assert np.array_equal(aim.vector, A)
    assert aim.away is not None
    assert aim.away.weights == (0.5,)
    assert np.allclose(aim.away.less, np.array([2, -1]) / 5**0.5)
    assert Aim.of([A, B], [1.0, 1.0]).away is None


def test_a_thing_without_itself_is_refused():
    """Nothing is left of it."""
    with pytest.raises(ConfigError, match="cancels itself"):
        Aim.of([A, A], [1.0, -1.0])


def test_what_is_far_above_the_usual_loses():
    """Two for each deviation above 3, or above .6 of the most; what has no score loses nothing."""
    scores = np.array([0.1, 0.4, 0.5, np.nan])

    assert loss(scores, Scale(0.0, 0.1, 8.0)).tolist() == pytest.approx([0, 2, 4, 0])
    assert loss(scores, Scale(0.0, 0.1, 4.0)).tolist() == pytest.approx([0, 3.2, 5.2, 0])


def test_a_kind_without_a_member_is_the_kind():
    """Of 20 members of a kind the unwanted one goes behind the 19 others, and they stay first.

    To subtract it at the same weight would put other things before some of them.
    """
    parts = unit_vectors(221, 64)
    kind, own, others = parts[0], parts[1:21], parts[21:]
    rows = np.concatenate([unit_rows(kind + 1.2 * own), others])
    aim = Aim.of([kind, rows[0]], [1.0, -1.0])
    background = Background(rows)
    near = (rows @ rows[0]).astype(np.float64)
    lost = loss(near, background.scale(rows[0])) * background.scale(kind).spread
    order = np.argsort(-(rows @ aim.vector - lost))
    subtracted = np.argsort(-(rows @ aim.away.less))

    assert {*order[:19].tolist()} == {*range(1, 20)}
    assert len({*subtracted[:19].tolist()} & {*range(1, 20)}) < 17
