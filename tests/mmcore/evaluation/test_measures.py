import math

import numpy as np
import pytest

from mmcore.evaluation.measures import means, per_query


def ids(*numbers):
    """Ids as an array."""
    return np.array(numbers, dtype=np.int64)


def test_measures_of_one_query_are_those_of_the_textbook():
    """Relevant items at ranks 2 and 4 of three: RR 1/2, R@10 2/3, nDCG by its logarithms."""
    scores = per_query([ids(7, 8, 9)], [ids(1, 7, 2, 8)], cutoffs=(1, 5))
    gain = 1 / math.log2(3) + 1 / math.log2(5)
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)

    assert {name: values[0] for name, values in scores.items()} == pytest.approx(
        {"Success@1": 0, "Success@5": 1, "RR": 1 / 2, "R@10": 2 / 3, "nDCG@10": gain / ideal}
    )


def test_a_query_without_results_scores_zero_and_counts():
    """A query that found nothing pulls the mean down; it is not left out."""
    scores = per_query([ids(1), ids(2)], [ids(1), ids()], cutoffs=(1,))

    assert scores["RR"].tolist() == [1, 0]
    assert means(scores)["Success@1"] == 0.5


def test_the_order_given_is_the_order_measured():
    """No tie is broken by the text of an id: rank 1 stays rank 1, whatever its id."""
    for first, second in [(2**62, 3), (3, 2**62)]:
        assert per_query([ids(first)], [ids(first, second)], cutoffs=(1,))["RR"][0] == 1


def test_a_query_without_relevant_items_is_refused():
    """There is nothing to measure where nothing is right."""
    with pytest.raises(ValueError, match="relevant"):
        per_query([ids()], [ids(1)], cutoffs=(1,))
