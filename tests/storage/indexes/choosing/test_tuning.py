from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.indexes.card import Setting
from storage.indexes.choosing.kinds import kind_named
from storage.indexes.choosing.truth import exact_answers
from storage.indexes.choosing.tuning import (
    Asked,
    Bench,
    below,
    first,
    interval,
    latency_of,
    reached_by,
    recall_of,
    setting_of,
    stronger,
    tune,
    worst,
)
from storage.indexes.goal import Goal
from storage.indexes.questions import Questions
from tests.storage.indexes.data import asked, clustered, ids_of

N, D, K = 4000, 8, 10
IDS, (VECTORS, QUERIES) = ids_of(N), clustered(N, D, 200)
ASKED = Asked(asked(QUERIES), exact_answers(IDS, VECTORS, asked(QUERIES), K))
LISTS, CODES = kind_named("ivf-pq", N, D), kind_named("pq-half", N, D)


class Known:
    """An engine that finds a known share of the nearest, by its setting, and nothing else."""

    def __init__(self, share):
        self.share, self.settings = share, []

    def search(self, vectors, k, ids=None, *, setting=None):
        """The first of the nearest, as many as the share says, and ids that are none."""
        self.settings.append(setting)
        rows = [int(np.flatnonzero((vector == QUERIES).all(axis=1))[0]) for vector in vectors]
        good = round(self.share(setting) * K)
        found = np.where(np.arange(K) < good, ASKED.truth.ids[rows], -1)
        return np.where(found < 0, -np.inf, ASKED.truth.scores[rows]), found


def bench(kind, share, recall=0.8, latency=None):
    """Settings of a kind that find ``share(setting)``; each reading of the clock is 1 ms later."""
    goal = Goal(recall=recall, k=K, latency=latency)
    clock = count(0, 0.001)
    return Bench(Known(share), kind, N, ASKED, goal, clock=lambda: next(clock))


@given(st.integers(0, 20), st.integers(0, 20))
def test_bisection_finds_the_first_that_is_good(length, bound):
    """The first of rising values, whatever their number; None where none is good."""
    values = range(length)
    expected = bound if bound < length else None

    assert first(values, lambda value: value >= bound) == expected


def test_the_least_refinement_that_reaches_the_recall_is_taken():
    """Where depth 8 and more find .9, and others .7, depth 8 is the setting for .8."""
    settings = tune(bench(CODES, lambda setting: 0.9 if setting.depth >= 8 else 0.7))

    assert settings == [Setting(depth=8)]


def test_a_recall_that_no_setting_reaches_gives_none():
    """All that was measured is kept, and says what it misses."""
    tried = bench(CODES, lambda setting: 0.5)

    assert tune(tried) == []
    assert {point.fits for point in tried.points} == {False}
    assert all("recall 0.500" in point.why for point in tried.points)


def test_few_lists_with_much_refinement_are_weighed_against_more_lists():
    """12 lists need depth 64 and 16 lists depth 2, which reads fewer bytes: it comes first."""

    def share(setting):
        needed = {12: 64, 16: 2}.get(setting.nprobe, 2)
        return 0.9 if setting.nprobe >= 12 and setting.depth >= needed else 0.6

    settings = tune(bench(LISTS, share))

    assert settings[0] == Setting(nprobe=16, depth=2)
    assert settings[-1] == Setting(nprobe=12, depth=64)


def test_a_graph_is_tuned_by_its_candidates():
    """Of an HNSW, which is exact by itself, the least ef that reaches the recall is taken."""
    kind = kind_named("hnsw", N, D)

    assert tune(bench(kind, lambda setting: 0.9 if setting.ef >= 100 else 0.7)) == [
        Setting(ef=128)
    ]


def test_a_setting_is_measured_once():
    """Asking again for a setting searches no more."""
    tried = bench(CODES, lambda setting: 0.9)
    tried.reaches(Setting(depth=4))
    searches = len(tried.engine.settings)

    assert tried.point(Setting(depth=4)).recall == pytest.approx(0.9)
    assert len(tried.engine.settings) == searches


def test_the_lower_end_of_the_interval_has_to_reach_the_goal():
    """A mean recall of .8 on 200 queries does not show that it is .8."""

    def share(setting):
        return 0.8

    assert not bench(CODES, share, recall=0.8).reaches(Setting())
    assert bench(CODES, share, recall=0.79).reaches(Setting())


def test_the_interval_is_that_of_a_mean():
    """1.96 standard errors to either side, with one more query that missed one of ten."""
    recalls = np.repeat([1.0, 0.5], 200)
    low, mean, high = interval(recalls, 10)
    error = 0.25 / np.sqrt(401)

    assert mean == 0.75
    assert high - mean == pytest.approx(1.96 * error, rel=0.01)
    assert mean - low == pytest.approx(1.96 * error, rel=0.05)


def test_queries_that_found_everything_leave_a_doubt():
    """It is smaller the more queries there are."""
    few, many = interval(np.ones(30), 10)[0], interval(np.ones(1000), 10)[0]

    assert 0.98 < few < many < 1


def test_latency_is_the_median_of_single_queries():
    """With a clock that goes on 1 ms at a time, each query takes 1 ms; queries come alone."""
    clock = count(0, 0.001)
    tried = bench(CODES, lambda setting: 1.0)
    milliseconds = latency_of(tried.engine, ASKED, Setting(), K, lambda: next(clock))

    assert milliseconds == pytest.approx(1.0)
    assert len(tried.engine.settings) == 50


def test_slow_queries_are_asked_a_few_times_only():
    """Where each takes a second, five are enough for the median."""
    tried, clock = bench(CODES, lambda setting: 1.0), count()
    latency_of(tried.engine, ASKED, Setting(), K, lambda: next(clock))

    assert len(tried.engine.settings) == 5


def test_what_takes_too_long_does_not_fit():
    """A latency above the budget is a miss, whatever the recall."""
    point = bench(CODES, lambda setting: 1.0, latency=0.5).point(Setting())

    assert (point.fits, point.why) == (False, "1 ms")


def test_a_querys_own_row_is_neither_found_nor_missed():
    """An engine that finds the query's own row first has a recall of 1 still."""
    questions = Questions(VECTORS[:20], np.full(20, "text"), IDS[:20], "stored vectors")
    mine = Asked(questions, exact_answers(IDS, VECTORS, questions, K))

    class Exact:
        def search(self, vectors, k, ids=None, *, setting=None):
            truth = exact_answers(IDS, VECTORS, asked(vectors), k)
            return truth.scores, truth.ids

    recalls = recall_of(Exact(), mine, None, Goal(k=K))

    assert recalls.tolist() == [1.0] * 20


def test_stronger_settings_go_deeper_and_then_wider():
    """After the deepest refinement comes the next value of the knob; after the last none."""
    assert stronger(CODES, Setting(depth=4)) == Setting(depth=6)
    assert stronger(CODES, Setting(depth=64)) is None
    assert stronger(LISTS, setting_of(LISTS, 12, 64, K)) == Setting(nprobe=16, depth=64)
    assert stronger(LISTS, setting_of(LISTS, LISTS.lists, 64, K)) is None


def test_reached_tells_recall_by_what_asked():
    """Texts of one language may fare worse than the mean says."""
    questions = asked(QUERIES[:4])
    reached = reached_by(np.array([1.0, 0.5, 1.0, 0.7]), questions, 10)

    assert reached.by == pytest.approx({"text zh": 1.0, "text en": 0.6})
    assert (reached.recall, reached.queries, reached.asked) == (0.8, 4, "queries")
    assert reached.low < 0.8 < reached.high


def test_a_kind_of_query_has_to_reach_the_goal_by_itself():
    """Of 50 queries or more the lower end counts; of fewer only that of all."""
    recalls = np.repeat([1.0, 0.8], [150, 50])
    many = Questions(QUERIES, np.repeat(["text en", "text zh"], [150, 50]))
    few = Questions(QUERIES, np.repeat(["text en", "text zh"], [151, 49]))

    assert worst(recalls, many, K).low < 0.8
    assert str(worst(recalls, many, K)).startswith("recall 0.800 of text zh, at least 0.79")
    assert worst(recalls, few, K).low == interval(recalls, K)[0]
    assert below(recalls, many, Goal(recall=0.9)) == "recall 0.800 of text zh"
    assert below(recalls, few, Goal(recall=0.9)) == ""
    assert below(recalls, few, Goal(recall=0.96)) == "recall 0.950"


def test_a_setting_knows_what_it_was_tuned_for():
    """The number of results that the goal asks for, so that fewer are searched as well."""
    tried = bench(CODES, lambda setting: 0.9)
    tried.goal = Goal(recall=0.4, k=5)

    assert {setting.k for setting in tune(tried)} == {5}
    assert stronger(CODES, tune(tried)[0]).k == 5
