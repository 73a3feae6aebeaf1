import numpy as np
import pytest

from mmcore.search.ranking.calibrated import SAMPLE, Background
from tests.factories import unit_vectors


class Rows:
    """An index that knows the vectors of its rows."""

    def __init__(self, vectors):
        self.vectors = vectors

    def vectors_of(self, ids):
        """By place."""
        return self.vectors[ids]


def test_a_score_is_told_in_deviations_above_the_usual():
    """The scores of all rows have the mean 0 and the deviation 1."""
    vectors = unit_vectors(50, 8)
    scale = Background.of(Rows(vectors), np.arange(50)).scale(vectors[3])
    comparable = scale.comparable((vectors @ vectors[3]).astype(np.float64))

    assert comparable.mean() == pytest.approx(0, abs=1e-5)
    assert comparable.std() == pytest.approx(1, abs=1e-5)
    assert comparable.argmax() == 3


def test_the_sample_is_always_the_same(rng):
    """It depends on no query and no moment."""
    rows = Rows(unit_vectors(3 * SAMPLE, 4))
    first, again = (Background.of(rows, np.arange(3 * SAMPLE)) for _ in range(2))

    assert first.vectors.shape == (SAMPLE, 4)
    assert np.array_equal(first.vectors, again.vectors)
    assert first.scale(rows.vectors[0]) == again.scale(rows.vectors[0])


def test_one_row_is_the_usual_one():
    """There is nothing to hold it against, and nothing is divided by 0."""
    vectors = unit_vectors(1, 4)
    scale = Background.of(Rows(vectors), np.arange(1)).scale(vectors[0])

    assert scale.comparable(np.array([1.0])) == pytest.approx([0], abs=1e-3)
