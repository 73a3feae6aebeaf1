import numpy as np
import pytest

from mmcore.encoders.heads import TextHead
from mmcore.encoders.projections import FittedOn, Joined, Projection
from mmcore.training.refits import FITTED, recorded, rows_of
from mmcore.training.rows import Rows


def projection(state):
    """A projection of one head that saw the contents a and b."""
    head = TextHead(state, {"other": np.zeros(2, np.float32)})
    return Projection("texts", "p1", 2, {"words": Joined("1", head)}, FittedOn(frozenset("ab")))


@pytest.mark.parametrize(
    ("previous", "names", "contents"),
    [
        (None, ["words"], ""),
        (projection("background"), ["words"], ""),
        (projection(FITTED), ["pictures"], ""),
        (projection(FITTED), ["pictures", "words"], "ab"),
    ],
)
def test_only_a_fitted_head_has_recorded_contents(previous, names, contents):
    """Whatever fingerprint its encoder had: the name counts."""
    assert recorded(previous, names) == frozenset(contents)


def test_rows_of_contents_keep_their_order():
    """Each row of a named content is there, others are not."""
    ids = np.arange(3)
    rows = Rows(ids, ids, ("b", "c", "a"), (None,) * 3, (None,) * 3, np.zeros((3, 2), np.float32))

    assert rows_of(rows, {"a", "b"}).content_ids == ("b", "a")
    assert len(rows_of(rows, ())) == 0
