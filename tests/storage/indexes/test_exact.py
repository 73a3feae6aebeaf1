import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.indexes import exact
from storage.indexes.exact import exact_search
from tests.factories import unit_vectors

AXES = np.eye(3, dtype=np.float32)


def test_the_best_come_first_with_their_inner_products():
    """Scores are inner products: 0.6 and 0.8 with the first two axes, nothing with the third."""
    scores, ids = exact_search(
        np.array([30, 10, 20]), AXES, np.array([[0.6, 0.8, 0]], np.float32), 3
    )

    assert ids.tolist() == [[10, 30, 20]]
    assert scores[0] == pytest.approx([0.8, 0.6, 0.0])


def test_equal_scores_are_ordered_by_id():
    """Of equals the smaller id comes first, also where only some of them fit."""
    base = np.repeat(AXES[:1], 4, axis=0)
    _, ids = exact_search(np.array([9, 3, 7, 5]), base, AXES[:1], 2)

    assert ids.tolist() == [[3, 5]]


def test_where_there_are_fewer_rows_the_rest_is_marked():
    """Beyond the rows there is id -1 with score -inf; an empty base has nothing else."""
    scores, ids = exact_search(np.array([1]), AXES[:1], AXES[:1], 3)
    assert ids.tolist() == [[1, -1, -1]]
    assert scores[0, 1:].tolist() == [-np.inf, -np.inf]

    _, none = exact_search(np.empty(0, np.int64), np.empty((0, 3), np.float32), AXES, 2)
    assert none.tolist() == [[-1, -1]] * 3


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 30), st.integers(0, 5), st.integers(0, 40), st.integers(1, 64))
def test_blocks_do_not_change_the_answer(n, q, k, block):
    """Any block size gives the order of a full sort."""
    ids, base, queries = np.arange(n)[::-1], unit_vectors(n, 4), unit_vectors(q, 4, seed=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exact, "_BLOCK", block)
        _, found = exact_search(ids, base, queries, k)

    full = ids[np.argsort(-(queries @ base.T), axis=1)][:, :k]
    assert np.array_equal(found[:, :n], full)
