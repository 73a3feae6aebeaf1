"""Which queries of a user's set are not independent."""

import numpy as np

from mmcore.evaluation.gating.significance import flipped
from mmcore.evaluation.querysets.grouped import groups_of


def test_queries_that_share_a_right_item_are_one_group():
    """Also one that is not the smallest of either, and also through a third query."""
    assert groups_of([{5: 1, 9: 1}, {7: 2, 9: 1}, [3], [7, 8], [4]]).tolist() == [5, 5, 3, 5, 4]


def test_nothing_asked_is_no_group():
    """A set of which the lake has nothing."""
    assert groups_of([]).tolist() == []


def test_a_hub_that_moves_is_one_accident():
    """Ten queries a topic, right for an own item and for the topic's: false alarms stay rare."""
    random, alarms = np.random.default_rng(1), 0
    topic = np.repeat(np.arange(20), 10)
    for seed in range(60):
        moved = random.choice([-1.0, 1.0], size=20)[topic] * (random.random(200) < 0.5)
        right = [{own, 10_000 + int(of)} for own, of in enumerate(topic)]
        found = flipped(moved[:, None], groups_of(right), flips=400, seed=seed)
        alarms += bool(found.p[0] < 0.02)

    assert alarms <= 5  # binomial(60, .02): more in less than .2 % of such tests
