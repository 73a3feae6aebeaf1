import numpy as np

from storage.indexes.searching.refine import Stored
from storage.indexes.searching.together import Together
from tests.factories import unit_vectors

ROWS = unit_vectors(7, 4)
ONE = Stored(np.array([1, 4, 6, 9]), ROWS[:4])
OTHER = Stored(np.array([2, 4, 8]), ROWS[4:])


def test_rows_of_both_are_read_in_order_of_id():
    """A slice and places give what an array of all rows would."""
    rows = Together.of(ONE, np.array([True, False, True, True]), OTHER)
    expected = ROWS[[0, 4, 5, 2, 6, 3]]

    assert rows.ids.tolist() == [1, 2, 4, 6, 8, 9]
    assert (rows.shape, len(rows)) == ((6, 4), 6)
    assert np.array_equal(rows[1:4], expected[1:4])
    assert np.array_equal(rows[np.array([5, 0, 2])], expected[[5, 0, 2]])


def test_of_the_other_some_may_be_left_out():
    """Rows that neither mask has are not there."""
    nothing = np.zeros(4, dtype=bool)
    rows = Together.of(ONE, nothing, OTHER, np.array([False, True, True]))

    assert rows.ids.tolist() == [4, 8]
    assert np.array_equal(rows[:], ROWS[[5, 6]])
