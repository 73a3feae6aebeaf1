import numpy as np
import pytest

from storage.indexes.build import build_index, build_name
from tests.factories import unit_vectors


def test_an_index_answers_with_the_rows_own_ids():
    """A stored vector finds itself under its 63-bit id."""
    ids = np.array([2**62 + 1, 5, 2**63 - 1])
    vectors = unit_vectors(3, 4)
    _, found = build_index(ids, vectors).search(vectors, 1)

    assert found[:, 0].tolist() == ids.tolist()


def test_an_id_that_comes_twice_is_refused():
    """Two rows never share an id."""
    with pytest.raises(ValueError, match="id 7 comes 2 times"):
        build_index(np.array([7, 1, 7]), unit_vectors(3, 4))


def test_ids_and_vectors_must_fit():
    """An id without a vector is an error, not a shift."""
    with pytest.raises(ValueError, match="2 ids"):
        build_index(np.array([1, 2]), unit_vectors(3, 4))


def test_a_build_is_named_by_what_goes_into_it():
    """The same rows give the same name; another id or vector another one."""
    ids, vectors = np.array([1, 2]), unit_vectors(2, 4)

    assert build_name(ids, vectors) == build_name(ids.copy(), vectors.copy())
    assert build_name(ids + 1, vectors) != build_name(ids, vectors)
    assert build_name(ids, -vectors) != build_name(ids, vectors)
