import numpy as np
import pytest

from mmcore.errors import ConfigError
from mmcore.search.ranking.combined import combined
from tests.factories import unit_vectors

A, B = np.eye(2, dtype=np.float32)


def test_parts_are_added_by_their_weights():
    """(3, 4) / 5, and (1, -1) / √2 where the second is taken away."""
    assert np.allclose(combined([A, B], [3.0, 4.0]), [0.6, 0.8])
    assert np.allclose(combined([A, B], [1.0, -1.0]), [0.5**0.5, -(0.5**0.5)])


def test_a_lone_part_is_what_it_is():
    """Its weight changes nothing."""
    vector = unit_vectors(1, 8)[0]

    assert np.array_equal(combined([vector], [0.3]), vector)


def test_only_the_ratio_of_weights_counts():
    """Twice each weight is the same query."""
    vectors = [*unit_vectors(3, 16)]

    assert np.array_equal(combined(vectors, [1, -0.5, 2]), combined(vectors, [2, -1, 4]))


def test_what_cancels_itself_is_refused():
    """A thing without itself has no direction."""
    vector = unit_vectors(1, 64)[0]
    near = vector + np.float32(1e-7)

    with pytest.raises(ConfigError, match="cancels itself"):
        combined([vector, near], [1.0, -1.0])
