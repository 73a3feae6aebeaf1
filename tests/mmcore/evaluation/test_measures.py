import math

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcore.evaluation.measures import means, per_query


def ranks(*numbers):
    """Ranks as an array."""
    return np.array(numbers, dtype=np.int64)


def test_measures_of_one_query_are_those_of_the_textbook():
    """Relevant items at ranks 2 and 4 of three: RR 1/2, R@10 2/3, nDCG by its logarithms."""
    scores = per_query([ranks(2, 4)], np.array([3]), cutoffs=(1, 5))
    gain = 1 / math.log2(3) + 1 / math.log2(5)
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)

    assert {name: values[0] for name, values in scores.items()} == pytest.approx(
        {"Success@1": 0, "Success@5": 1, "RR": 1 / 2, "R@10": 2 / 3, "nDCG@10": gain / ideal}
    )


def test_a_query_without_results_scores_zero_and_counts():
    """A query that found nothing pulls the mean down; it is not left out."""
    scores = per_query([ranks(1), ranks()], np.array([1, 1]), cutoffs=(1,))

    assert scores["RR"].tolist() == [1, 0]
    assert means(scores)["Success@1"] == 0.5


def test_queries_that_all_found_nothing_are_measured():
    """Nothing found is a score, of 0."""
    scores = per_query([ranks(), ranks()], np.array([1, 40]), cutoffs=(1,))

    assert {name: values.tolist() for name, values in scores.items()} == {
        name: [0, 0] for name in ("Success@1", "RR", "nDCG@10", "R@10")
    }


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(st.sets(st.integers(1, 30)), st.integers(0, 40)).filter(lambda q: q[0] or q[1]),
        min_size=1,
        max_size=4,
    )
)
def test_measures_are_those_of_trec_eval_over_all_that_is_relevant(queries):
    """What is not found need not be listed: the numbers are those of the whole list."""
    hits = [ranks(*sorted(found)) for found, _ in queries]
    counts = np.array([len(found) + lost for found, lost in queries])
    measures = [ir_measures.parse_measure(m) for m in ("Success@5", "RR", "nDCG@10", "R@10")]
    qrels = [
        ir_measures.Qrel(str(q), str(doc), 1)
        for q, (found, lost) in enumerate(queries)
        for doc in [*found, *range(1000, 1000 + lost)]
    ]
    run = [
        ir_measures.ScoredDoc(str(q), str(rank), 100.0 - rank)
        for q in range(len(queries))
        for rank in range(1, 31)
    ]
    scores = per_query(hits, counts, cutoffs=(5,))

    for metric in ir_measures.iter_calc(measures, qrels, run):
        value = scores[str(metric.measure)][int(metric.query_id)]
        assert value == pytest.approx(metric.value, abs=1e-9)


def test_a_query_without_relevant_items_is_refused():
    """There is nothing to measure where nothing is right."""
    with pytest.raises(ValueError, match="relevant"):
        per_query([ranks()], np.array([0]), cutoffs=(1,))
