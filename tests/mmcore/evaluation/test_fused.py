import numpy as np
import pytest

from mmcore.evaluation.fused import FusedGallery
from mmcore.evaluation.queries import Question
from mmcore.fusion.base import fusion_of
from mmcore.specs import FusionSpec
from mmcore.training.rows import Rows
from storage.schemas import Modality

X, Y = [1.0, 0.0], [0.0, 1.0]
HALF = np.sqrt(0.5)


def ids(*numbers):
    """Ids as an array."""
    return np.array(numbers, dtype=np.int64)


def rows(items, contents, vectors):
    """One row an item."""
    none = (None,) * len(items)
    numbers = ids(*range(len(items)))
    return Rows(ids(*items), numbers, contents, none, none, np.array(vectors, dtype=np.float32))


def gallery():
    """Item 1: text X and picture Y; item 2: text X alone, the same content."""
    made_of = {
        Modality.TEXT: rows([1, 2], ("t", "t"), [X, X]),
        Modality.IMAGE: rows([1], ("i",), [Y]),
    }
    vectors = np.array([[HALF, HALF], X], dtype=np.float32)
    return FusedGallery(ids(1, 2), vectors, made_of, fusion_of(FusionSpec()))


def question(hidden):
    """A question that hides one content."""
    return Question(hidden, "text:en", ("x",), "en", frozenset({hidden}), ids(1), (ids(1),), 1)


@pytest.mark.parametrize("batch", [1, 100_000])
def test_an_item_is_scored_without_the_querys_own_content(monkeypatch, batch):
    """Without its text item 1 is its picture (0 for X), item 2 is nothing and leaves."""
    monkeypatch.setattr("mmcore.evaluation.fused._BATCH_ROWS", batch)
    found = gallery().without_own([question("t")], np.array([X], dtype=np.float32))

    assert (found.queries.tolist(), found.rows.tolist()) == ([0, 0], [0, 1])
    assert found.scores.tolist() == [0.0, -np.inf]


def test_other_queries_see_the_vector_as_it_is():
    """A content that no item holds changes nothing; without its picture, item 1 is X."""
    vectors = np.array([X, X], dtype=np.float32)
    found = gallery().without_own([question("elsewhere"), question("i")], vectors)

    assert (found.queries.tolist(), found.rows.tolist(), found.scores.tolist()) == (
        [1],
        [0],
        [1.0],
    )
