from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mmcore.training.rows import Rows


def three():
    """Three rows."""
    ids = np.arange(3, dtype=np.int64)
    return Rows(
        ids,
        ids + 10,
        ("a", "b", "c"),
        ("en", "zh", None),
        ("x", "y", None),
        np.eye(3, dtype=np.float32),
    )


@pytest.mark.parametrize("which", [np.array([2, 0]), np.array([True, False, True])])
def test_rows_are_taken_by_position_or_mask(which):
    """All columns go together, in the order asked for."""
    taken = three().take(which)
    order = [2, 0] if which.dtype != bool else [0, 2]

    assert taken.item_ids.tolist() == order
    assert taken.segment_ids.tolist() == [i + 10 for i in order]
    assert taken.content_ids == tuple("abc"[i] for i in order)
    assert taken.languages == tuple(("en", "zh", None)[i] for i in order)
    assert taken.texts == tuple(("x", "y", None)[i] for i in order)
    assert taken.vectors.argmax(axis=1).tolist() == order


def test_columns_have_one_length():
    """A column that is too short is told at once."""
    ids = np.arange(2, dtype=np.int64)
    with pytest.raises(ValueError, match="2 item ids, 1 languages"):
        Rows(ids, ids, ("a", "b"), (None,), (None, None), np.zeros((2, 3), np.float32))


def test_no_row_still_has_a_dimension():
    """An empty modality has vectors of shape (0, d)."""
    assert len(Rows.empty(5)) == 0
    assert Rows.empty(5).vectors.shape == (0, 5)


def test_captions_are_the_rows_that_are_not_derived():
    """What was read or heard goes, with all that belongs to its row."""
    ids = np.array([1, 1, 2])
    texts = ("a cat", "no smoking", "a dog")
    found = Rows(ids, ids + 10, ("a", "b", "c"), ("en",) * 3, texts, np.eye(3, dtype=np.float32))

    assert found.captions() is found
    assert replace(found, derived=np.array([False, True, False])).captions().texts == (
        "a cat",
        "a dog",
    )
    with pytest.raises(ValueError, match="2 marks"):
        replace(found, derived=np.array([False, True]))
