import math

import ir_measures
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcore.evaluation.measures import Grades, fingerprint, means, per_query
from mmcore.specs import EvaluationSpec


def ranks(*numbers):
    """Ranks as an array."""
    return np.array(numbers, dtype=np.int64)


def test_measures_of_one_query_are_those_of_the_textbook():
    """Relevant items at ranks 2 and 4 of three: each measure by its formula."""
    scores = per_query([ranks(2, 4)], np.array([3]), cutoffs=(1, 5))
    gain = 1 / math.log2(3) + 1 / math.log2(5)
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    precision, recall = 2 / 10, 2 / 3

    assert {name: values[0] for name, values in scores.items()} == pytest.approx(
        {
            "Success@1": 0,
            "Success@5": 1,
            "RR": 1 / 2,
            "AP@100": (1 / 2 + 2 / 4) / 3,
            "nDCG@10": gain / ideal,
            "R@10": recall,
            "P@10": precision,
            "F1@10": 2 * precision * recall / (precision + recall),
        }
    )


def test_a_query_without_results_scores_zero_and_counts():
    """A query that found nothing pulls the mean down; it is not left out."""
    scores = per_query([ranks(1), ranks()], np.array([1, 1]), cutoffs=(1,))

    assert scores["RR"].tolist() == [1, 0]
    assert means(scores)["Success@1"] == 0.5


def test_queries_that_all_found_nothing_are_measured():
    """Nothing found is a score, of 0."""
    scores = per_query([ranks(), ranks()], np.array([1, 40]), cutoffs=(1,))

    names = ("Success@1", "RR", "AP@100", "nDCG@10", "R@10", "P@10", "F1@10")
    assert {name: values.tolist() for name, values in scores.items()} == {
        name: [0, 0] for name in names
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
    names = ("Success@5", "RR", "AP@30", "nDCG@10", "R@10", "P@10")
    measures = [ir_measures.parse_measure(name) for name in names]
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
    scores = per_query(hits, counts, cutoffs=(5,), deepest=30)

    for metric in ir_measures.iter_calc(measures, qrels, run):
        value = scores[str(metric.measure)][int(metric.query_id)]
        assert value == pytest.approx(metric.value, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.integers(1, 30), st.integers(1, 4), max_size=15),
            st.lists(st.integers(1, 4), max_size=15),
        ).filter(lambda query: query[0] or query[1]),
        min_size=1,
        max_size=4,
    )
)
def test_grades_are_those_of_trec_eval(queries):
    """What is more right counts more in nDCG; the other measures take all grades alike."""
    hits = [ranks(*sorted(found)) for found, _ in queries]
    mine = [ranks(*(found[rank] for rank in sorted(found))) for found, _ in queries]
    ideal = [ranks(*found.values(), *lost) for found, lost in queries]
    qrels = [
        ir_measures.Qrel(str(q), str(doc), grade)
        for q, (found, lost) in enumerate(queries)
        for doc, grade in [*found.items(), *enumerate(lost, start=1000)]
    ]
    run = [
        ir_measures.ScoredDoc(str(q), str(rank), 100.0 - rank)
        for q in range(len(queries))
        for rank in range(1, 31)
    ]
    counts = np.array([len(grades) for grades in ideal])
    scores = per_query(hits, counts, (5,), 30, Grades(mine, ideal))

    names = ("Success@5", "RR", "AP@30", "nDCG@10", "R@10", "P@10")
    measures = [ir_measures.parse_measure(name) for name in names]
    for metric in ir_measures.iter_calc(measures, qrels, run):
        value = scores[str(metric.measure)][int(metric.query_id)]
        assert value == pytest.approx(metric.value, abs=1e-9)


def test_more_relevant_items_than_ranks_are_all_counted():
    """Of 400 right answers 100 come first: precision is whole, average precision a quarter."""
    scores = per_query([np.arange(1, 101)], np.array([400]), cutoffs=(1,))

    assert {name: values[0] for name, values in scores.items()} == pytest.approx(
        {
            **dict.fromkeys(("Success@1", "RR", "nDCG@10", "P@10"), 1),
            "AP@100": 1 / 4,
            "R@10": 10 / 400,
            "F1@10": 2 * 10 / 410,
        }
    )


def test_no_queries_have_no_scores():
    """There are all measures, of none."""
    scores = per_query([], np.zeros(0, dtype=np.int64), cutoffs=(1,))

    assert {len(values) for values in scores.values()} == {0}


def test_a_fingerprint_names_what_a_score_means():
    """Cutoffs and depth do; how many queries there are does not."""
    spec = EvaluationSpec()

    assert fingerprint(spec) == fingerprint(EvaluationSpec(max_queries=5, run_depth=3))
    assert fingerprint(spec) != fingerprint(EvaluationSpec(depth=50))
    assert fingerprint(spec) != fingerprint(EvaluationSpec(cutoffs=(1, 2)))


def test_a_query_without_relevant_items_is_refused():
    """There is nothing to measure where nothing is right."""
    with pytest.raises(ValueError, match="relevant"):
        per_query([ranks()], np.array([0]), cutoffs=(1,))
