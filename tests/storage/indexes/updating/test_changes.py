import numpy as np
import pytest

from storage.errors import UnsoundVectorError
from storage.indexes.searching.engine import Engine
from storage.indexes.searching.refine import Stored
from storage.indexes.updating.changes import Sought, compared
from tests.factories import unit_vectors

V = unit_vectors(12, 4)
# built over 10, 20, 30, 40, 50; 20 went; 30 changed to V[5], and 60 came as V[6]
BEFORE = Engine(
    Stored(np.array([10, 20, 30, 40, 50]), V[:5]),
    None,
    Stored(np.array([30, 60]), V[5:7]),
    np.array([True, False, False, True, True]),
)


def change(ids, came):
    """What changed when ``ids`` are wanted and these rows come."""
    blocks = [(np.array([one]), vector[None]) for one, vector in came.items()]
    return compared(BEFORE, Sought(np.array(ids), blocks))


def told(found):
    """Alive ids, the delta's, what came and what was lost."""
    alive = found.before.stored.ids[found.alive].tolist()
    return alive, found.delta.ids.tolist(), found.came.ids.tolist(), found.lost.tolist()


def test_without_a_change_all_stays_where_it_is():
    """Whether the rows are read or not: nothing came, nothing is lost."""
    ids = [10, 30, 40, 50, 60]
    read = dict(zip(ids, [V[0], V[5], V[3], V[4], V[6]], strict=True))

    for came in ({}, read):
        assert told(change(ids, came)) == ([10, 40, 50], [30, 60], [], [])


def test_what_went_is_dead_wherever_it_was():
    """A row that is not wanted is neither alive nor in the delta."""
    found = change([10, 50], {})

    assert told(found) == ([10, 50], [], [], [30, 40, 60])
    assert found.dead.tolist() == [20, 30, 40]


def test_another_vector_under_the_same_id_is_lost_and_came():
    """It goes to the delta, and the old one dies; in the delta it replaces the other."""
    found = change([10, 30, 40, 50, 60], {10: V[7], 60: V[8]})

    assert told(found) == ([40, 50], [10, 30, 60], [10, 60], [10, 60])
    assert np.array_equal(found.delta.vectors, V[[7, 5, 8]])


def test_a_row_that_returns_lives_where_it_was_if_its_vector_is_the_same():
    """Else it goes to the delta; it came either way, as nobody could find it before."""
    ids = [10, 20, 30, 40, 50, 60]

    assert told(change(ids, {20: V[1]})) == ([10, 20, 40, 50], [30, 60], [20], [])
    assert told(change(ids, {20: V[7]})) == ([10, 40, 50], [20, 30, 60], [20], [])


def test_a_changed_row_that_changes_back_leaves_the_delta():
    """Its first vector is alive again in what was built."""
    found = change([10, 30, 40, 50, 60], {30: V[2]})

    assert told(found) == ([10, 30, 40, 50], [60], [30], [30])


def test_rows_that_are_not_wanted_are_left_out_of_blocks():
    """A part may bring rows that are dead."""
    found = change([10, 40], {10: V[0], 99: V[9]})

    assert told(found)[:3] == ([10, 40], [], [])


def test_faults_of_what_comes_are_named():
    """Twice the same row, no vector for a new one, one not of length 1, ids out of order."""
    with pytest.raises(ValueError, match="no vector came for the new id 99"):
        change([10, 99], {})
    with pytest.raises(ValueError, match="came twice"):
        compared(BEFORE, Sought(np.array([10]), [(np.array([10, 10]), V[:2])]))
    with pytest.raises(UnsoundVectorError, match="row 99 "):
        change([10, 99], {99: 2 * V[0]})
    with pytest.raises(ValueError, match="sorted"):
        change([40, 10], {})


def test_too_many_new_rows_end_the_comparison():
    """Beyond what an update may bring, nothing more is read."""
    read = []

    def blocks():
        for number in range(8):
            read.append(number)
            yield np.array([100 + number]), V[number : number + 1]

    assert compared(BEFORE, Sought(np.arange(100, 108), blocks()), most=3) is None
    assert read == [0, 1, 2, 3]
