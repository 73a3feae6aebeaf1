from __future__ import annotations

import numpy as np
import pytest

from mmcore.encoders.comparison import GAMMA, Comparison
from mmcore.encoders.features import Group, Reading

KINDS = ("centred", "root", "scaled")


def features(n=8, d=6, seed=0):
    """(n, d) numbers that are not negative."""
    return np.random.default_rng(seed).random((n, d)).astype(np.float32) + 0.1


def fitted(kind):
    """A comparison of one kind, and the shaped rows it was fitted on."""
    comparison = Comparison.fitted(Reading((Group(0, 6, kind),)), features())
    return comparison, comparison.shaped(features())


@pytest.mark.parametrize("kind", KINDS)
def test_equal_rows_compare_as_one_and_the_kernel_is_symmetric(kind):
    """The diagonal is 1, all else lies between 0 and 1."""
    comparison, shaped = fitted(kind)
    kernel = comparison.kernel(shaped, shaped)

    np.testing.assert_allclose(np.diag(kernel), 1, atol=1e-5)
    np.testing.assert_allclose(kernel, kernel.T, atol=1e-6)
    assert (kernel > 0).all()
    assert (kernel <= 1 + 1e-5).all()


def test_the_scaled_distance_by_hand():
    """Rows 0 and 2: mean 1, deviation 1 (+ .1), so ±1/1.1; typical is the mean |difference|."""
    comparison = Comparison.fitted(Reading((Group(0, 1, "scaled"),)), np.array([[0.0], [2.0]]))
    shaped = comparison.shaped(np.array([[0.0], [2.0]]))

    assert shaped[:, 0] == pytest.approx([-1 / 1.1, 1 / 1.1], abs=1e-5)
    assert comparison.typical[0] == pytest.approx(1 / 1.1)  # of 0, 2/1.1, 2/1.1, 0
    assert comparison.kernel(shaped, shaped)[0, 1] == pytest.approx(np.exp(-GAMMA * 2), rel=1e-4)


def test_groups_count_by_their_weight():
    """A group of weight 0 changes nothing."""
    rows = features()
    one = Comparison.fitted(Reading((Group(0, 3),)), rows[:, :3])
    two = Comparison.fitted(Reading((Group(0, 3), Group(3, 6, "scaled", 0.0))), rows)

    np.testing.assert_allclose(
        one.kernel(*[one.shaped(rows[:, :3])] * 2), two.kernel(*[two.shaped(rows)] * 2), atol=1e-6
    )


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_far_from_all_is_still_nearest_to_something(kind):
    """``relative`` keeps the ratios: no row vanishes, however far it is."""
    comparison, shaped = fitted(kind)
    far = comparison.shaped(features(2) * np.float32(1e6))

    kernel = comparison.kernel(far, shaped, relative=True)
    np.testing.assert_allclose(kernel.max(axis=1), 1)


@pytest.mark.parametrize("kind", KINDS)
def test_equal_features_can_be_fitted(kind):
    """A set without any difference gives no division by zero."""
    rows = np.ones((4, 6), dtype=np.float32)
    comparison = Comparison.fitted(Reading((Group(0, 6, kind),)), rows)
    shaped = comparison.shaped(rows)

    assert np.isfinite(comparison.kernel(shaped, shaped)).all()
