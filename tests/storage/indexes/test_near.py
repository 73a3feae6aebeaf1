import numpy as np
import pytest

from storage.indexes import near
from storage.indexes.engine import Engine
from storage.indexes.files import Index
from storage.indexes.near import within
from tests.storage.indexes.folders import IDS, KINDS, QUERIES, VECTORS_, D, N, built, live

DEAD = np.arange(0, N, 9)


@pytest.mark.parametrize("kind", KINDS)
def test_all_that_is_near_comes(kind, tmp_path):
    """Whatever the kind, every row of at least the score comes, dead ones not, best first."""
    index = Index.open(built(tmp_path, kind, dead=DEAD, late=True))
    places = live(DEAD, late=True)
    scores = QUERIES[:5] @ VECTORS_[places].T
    least = float(np.quantile(scores, 0.97))

    for row, (ids, found) in zip(scores, index.range_search(QUERIES[:5], least), strict=True):
        assert set(ids.tolist()) == set(IDS[places][row >= least].tolist())
        assert np.all(np.diff(found) <= 0)
        assert np.all(found >= least)


@pytest.mark.parametrize("size", [1, 700, 40_000])
def test_blocks_do_not_change_what_is_near(size, monkeypatch):
    """Any blocks give the same ids in the same order."""
    engine = Engine.over(None, IDS, VECTORS_)
    whole = within(engine, QUERIES, 0.6)
    monkeypatch.setattr(near, "_NUMBERS", size)
    monkeypatch.setattr(near, "_SCORES", size)
    some = within(engine, QUERIES[:7], 0.6)

    assert sum(len(ids) for ids, _ in whole) > 100
    assert [ids.tolist() for ids, _ in some] == [ids.tolist() for ids, _ in whole[:7]]


def test_equal_scores_come_by_id():
    """Rows that are the same come in order of their ids; nothing near is an empty answer."""
    engine = Engine.over(None, np.array([3, 5, 8]), np.repeat(VECTORS_[:1], 3, axis=0))
    same, none = within(engine, np.stack([VECTORS_[0], -VECTORS_[0]]), 0.99)

    assert same[0].tolist() == [3, 5, 8]
    assert len(none[0]) == len(none[1]) == 0
    assert within(engine, VECTORS_[:0], 0.99) == []


def test_a_query_of_another_dimension_is_refused():
    """As in every search."""
    with pytest.raises(ValueError, match="16 dimensions"):
        within(Engine.over(None, IDS, VECTORS_), np.ones((1, D + 1), np.float32), 0.5)
