from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcore.encoders.features import Group, Reading, directions, homogeneous, reading_of
from mmcore.types import check_unit_rows


def test_homogeneous_coordinates_by_hand():
    """(3, 0) with the constant 4 is (3, 0, 4) / 5; dividing by the last gives 3 back."""
    cells = homogeneous(np.array([[3.0, 0.0]]), 4.0)

    assert cells[0] == pytest.approx([0.6, 0.0, 0.8])
    assert Reading((Group(0, 2),), 4.0).features(cells)[0] == pytest.approx([3.0, 0.0])


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.floats(-100, 100, width=32), min_size=3, max_size=3), st.sampled_from([1.0, 16.0])
)
def test_features_come_back_from_a_cell(values, constant):
    """A cell is a unit vector and loses no feature but to rounding."""
    features = np.array([values], dtype=np.float32)
    cells = homogeneous(features, constant)

    check_unit_rows(np.zeros(1), cells)
    found = Reading((Group(0, 3),), constant).features(cells)
    np.testing.assert_allclose(found, features, atol=1e-3)


def test_a_mean_of_cells_is_a_weighted_mean_of_features():
    """Features 0 and 3, constant 4: cells (0, 1) and (.6, .8); their mean reads 4 · .3 / .9."""
    cells = homogeneous(np.array([[0.0], [3.0]]), 4.0).mean(axis=0, keepdims=True)

    assert Reading((Group(0, 1),), 4.0).features(cells)[0, 0] == pytest.approx(4 * 0.3 / 0.9)


def test_an_encoder_without_a_reading_has_unit_vectors():
    """Without a declaration, a cell is its features: one group, compared by cosine."""
    assert reading_of(object(), 5) == Reading((Group(0, 5),))
    assert Reading((Group(0, 2),)).features(np.eye(2)).tolist() == np.eye(2).tolist()


def test_a_zero_row_has_no_direction_and_stays():
    """Other rows get length 1."""
    assert directions(np.array([[0.0, 0.0], [3.0, 4.0]])).tolist() == [[0, 0], [0.6, 0.8]]
