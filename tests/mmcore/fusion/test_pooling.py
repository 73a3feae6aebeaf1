import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmcore.fusion import pooling
from mmcore.fusion.pooling import Members, fuse_items, inputs_of, pool
from mmcore.types import unit_rows
from storage.schemas import Modality


def ids(*values):
    """Ids as the lake has them."""
    return np.array(values, dtype=np.int64)


class First:
    """A fusion that takes the first modality that is there."""

    name, fingerprint = "first", "f"

    def fuse(self, vectors, has):
        """See the class."""
        place = has.argmax(axis=1)
        rows = np.arange(len(has))
        return vectors[rows, place], np.eye(4, dtype=np.float32)[place]


def test_pooling_is_the_direction_of_the_mean():
    """Two segments at right angles pool to the vector half-way between them."""
    pooled, has = pool(ids(5), ids(5, 5), np.eye(2, dtype=np.float32))

    assert pooled == pytest.approx(np.array([[2**-0.5, 2**-0.5]]))
    assert has.tolist() == [True]


def test_an_item_without_rows_is_absent():
    """An item that no segment serves has a zero row; rows of other items are ignored."""
    pooled, has = pool(ids(1, 3), ids(2, 3), np.eye(2, dtype=np.float32))

    assert has.tolist() == [False, True]
    assert pooled.tolist() == [[0, 0], [0, 1]]


def test_segments_that_cancel_have_no_direction():
    """Opposite vectors have no mean direction: the item does not have the modality."""
    _, has = pool(ids(1), ids(1, 1), np.array([[1, 0], [-1, 0]], dtype=np.float32))

    assert has.tolist() == [False]


def test_every_item_of_any_modality_is_fused():
    """Items with a picture, a text or both all have a fused vector and their mask."""
    vectors = np.eye(3, dtype=np.float32)
    fused = fuse_items(
        "space",
        First(),
        {
            Modality.IMAGE: Members(ids(1, 2), ids(10, 11), vectors[:2]),
            Modality.TEXT: Members(ids(2, 3), ids(20, 21), vectors[1:]),
        },
    )

    assert fused.item_ids.tolist() == [1, 2, 3]
    assert fused.has[:, :2].tolist() == [[True, False], [True, True], [False, True]]


def test_blocks_change_nothing(monkeypatch, rng):
    """Items fused three at a time are those fused all at once, whatever the order of the rows."""
    items = rng.permutation(np.repeat(np.arange(10), 2)).astype(np.int64)
    rows = Members(items, np.arange(20), unit_rows(rng.normal(size=(20, 3))))
    one = {Modality.TEXT: rows, Modality.IMAGE: Members(items[:5], *_first(rows, 5))}

    whole = fuse_items("space", First(), one)
    monkeypatch.setattr(pooling, "BLOCK", 3)
    parts = fuse_items("space", First(), one)

    for name in ("item_ids", "inputs", "vectors", "has", "weights"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), atol=1e-6)


def _first(rows, count):
    return rows.segment_ids[:count], rows.vectors[:count]


def test_nothing_to_fuse_is_none():
    """A lake without a vector in the space has no fused table."""
    assert fuse_items("space", First(), {}) is None


@given(st.permutations(range(6)), st.integers(0, 5))
def test_inputs_do_not_depend_on_order_but_on_every_segment(order, changed):
    """The hash of what was fused ignores the order of rows and changes with any segment."""
    items, segments = np.repeat(ids(1, 2), 3), np.arange(100, 106)
    vectors = unit_rows(np.ones((6, 2)))
    place = np.array(order)

    def hashed(segment_ids, rows):
        return inputs_of(
            ids(1, 2), {Modality.TEXT: Members(items[rows], segment_ids[rows], vectors)}
        )

    other = segments.copy()
    other[changed] = 999
    plain = hashed(segments, np.arange(6))
    assert hashed(segments, place).tolist() == plain.tolist()
    assert (hashed(other, place) != plain).tolist() == [changed < 3, changed >= 3]
