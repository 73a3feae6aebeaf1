import numpy as np
import pytest

from storage.schemas import embeddings_schema
from tests import factories
from tests.soundness import sound


def test_unit_vectors_are_of_length_one_and_repeat():
    """The same seed gives the same rows of length 1, another seed gives others."""
    rows = factories.unit_vectors(5, 7, seed=3)

    assert rows.dtype == np.float32
    assert np.linalg.norm(rows, axis=1) == pytest.approx(np.ones(5), abs=1e-6)
    assert np.array_equal(rows, factories.unit_vectors(5, 7, seed=3))
    assert not np.array_equal(rows, factories.unit_vectors(5, 7, seed=4))


def test_cells_have_the_schema_and_depend_on_their_content_alone():
    """A content has the same vector whatever else is in the table."""
    both, one = factories.cells(["a", "b"]), factories.cells(["b"])

    assert both.schema == embeddings_schema(8)
    assert both.slice(1).to_pylist() == one.to_pylist()


def test_a_small_lake_is_whole(tmp_path):
    """A small lake opens, verifies, and has a row for each item and each medium."""
    snapshot = factories.small_lake(tmp_path)

    sound(snapshot)
    assert snapshot.rows("items").num_rows == 3
    assert snapshot.rows("segments").num_rows == 6
