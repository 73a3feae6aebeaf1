"""Success@k and reciprocal rank, against the measures that lakes are evaluated by."""

from __future__ import annotations

import numpy as np
import pytest

from mmcore.errors import TrainingError
from mmcore.evaluation.measures import means, per_query
from mmcore.evaluation.ranking import Gallery, Overrides, rank
from mmcore.training.loop.scores import (
    Side,
    accuracies,
    directions,
    groups_of,
    mean,
    measured,
    ranks,
)
from mmcore.types import unit_rows

NO_OVERRIDES = Overrides.of([], [], [])


def side(items, dim=6, seed=0):
    """Seeded unit rows of the items at these places."""
    vectors = np.random.default_rng(seed).standard_normal((len(items), dim))
    return Side(np.array(items, dtype=np.int64), unit_rows(vectors.astype(np.float32)))


def test_ranks_are_counted_by_hand():
    """Scores 0.9, 0.5, 0.1 of items 0, 1, 2: the query of item 1 finds its own second."""
    query = Side(np.array([1]), np.eye(3, dtype=np.float32)[:1])
    gallery = Side(np.arange(3), np.array([[0.9, 0, 0], [0.5, 0, 0], [0.1, 0, 0]], np.float32))

    found = ranks(query, gallery, groups_of(("a", "b", "c")))

    assert found.tolist() == [2]
    assert measured(found) == {
        "Success@1": 0.0,
        "Success@5": 1.0,
        "Success@10": 1.0,
        "RR": 0.5,
    }


@pytest.mark.parametrize("seed", range(4))
def test_they_are_those_of_the_evaluation(seed):
    """Many rows an item, equal captions and equal scores: the same numbers as evaluation gives."""
    rng = np.random.default_rng(seed)
    keys = [f"caption {n}" for n in rng.integers(0, 25, 40)]
    groups = groups_of(keys)
    queries = side(rng.integers(0, 40, 60).tolist(), seed=seed)
    gallery = side(rng.integers(0, 30, 80).tolist(), seed=seed + 9)
    gallery.vectors[5], gallery.vectors[6] = gallery.vectors[7], gallery.vectors[7]

    here = np.unique(groups[gallery.items])
    asked = queries.take(np.isin(groups[queries.items], here))
    right = [np.flatnonzero(groups == groups[item]) for item in asked.items]
    of = Gallery.of(gallery.items, np.full(80, "x"), gallery.vectors)
    ranking = rank(asked.vectors, of, right, NO_OVERRIDES, depth=40)
    told = means(per_query(ranking.hits, ranking.relevant, (1, 5, 10)))

    found = ranks(queries, gallery, groups)
    assert found.tolist() == ranking.first.tolist()
    assert measured(found) == pytest.approx({k: told[k] for k in measured(found)})


def test_equal_captions_are_right_and_no_caption_is_equal_to_none():
    """Items without a caption are each by themselves."""
    assert groups_of(("a", "", "a", "")).tolist() == [0, 1, 0, 2]


def test_directions_without_a_query_are_left_out():
    """A sound of an item that has no picture asks for none."""
    sides = {"image": side([0, 1]), "audio": side([2])}

    assert directions(sides, groups_of(("a", "b", "c"))) == {}
    assert mean({}) == {}


def test_means_are_over_directions():
    """Each direction counts the same, whatever it has of queries."""
    assert mean({"a→b": {"RR": 0.2}, "b→a": {"RR": 0.6}}) == {"RR": pytest.approx(0.4)}


def test_accuracy_of_items_and_of_classes():
    """Three of four right, one class of two half right; what has no label does not count."""
    scores = accuracies(np.array([0, 0, 0, 1, 1]), np.array([0, 0, 1, 1, -1]))

    assert scores == {"accuracy": 0.75, "mean class accuracy": 0.75}
    assert accuracies(np.array([0]), np.array([-1])) == {}


def test_vectors_that_are_no_numbers_are_no_hits():
    """NaN is neither more nor less than anything, and would rank first: it is an error."""
    good, bad = side([0, 1]), side([0, 1])
    bad.vectors[1, 0] = np.nan

    for one, other in ((good, bad), (bad, good)):
        with pytest.raises(TrainingError, match="not finite"):
            ranks(one, other, groups_of(("a", "b")))
