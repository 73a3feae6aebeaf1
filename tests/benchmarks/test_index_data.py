"""The vectors that indexes are measured with are what they claim to be."""

import numpy as np

from benchmarks.index_data import World, ids_of, repeated


def test_a_world_is_the_same_for_the_same_seed():
    """Points do not depend on how many are drawn after them, or on the process."""
    first, again = World.of(16, seed=3), World.of(16, seed=3)

    assert np.array_equal(first.points(50, 1), again.points(50, 1))
    assert not np.array_equal(first.points(50, 1), first.points(50, 2))


def test_points_are_clustered_and_queries_lie_across_a_gap():
    """A point's nearest is far nearer than a chance one; a query's is farther than that."""
    world = World.of(64)
    points, queries = world.points(4000, 1), world.queries(200, 2)
    alike = points[:200] @ points.T
    alike[np.arange(200), np.arange(200)] = -1
    asked = queries @ points.T

    assert alike.max(axis=1).mean() > alike.mean() + 0.4
    assert asked.max(axis=1).mean() < alike.max(axis=1).mean() - 0.05
    assert np.allclose(np.linalg.norm(queries, axis=1), 1, atol=1e-5)


def test_ids_are_sorted_and_each_comes_once():
    """They are spread over 62 bits, as those of a lake are."""
    ids = ids_of(5000)

    assert len(np.unique(ids)) == 5000
    assert np.all(np.diff(ids) > 0)
    assert ids[-1] > 1 << 60


def test_repeated_vectors_are_near_to_what_they_repeat():
    """Each is a row of the base, moved a little, and of length 1."""
    base = World.of(32).points(10, 1)
    made = repeated(base, 35, 0.1)

    assert np.allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    assert np.einsum("nd,nd->n", made, base[np.arange(35) % 10]).min() > 0.97
