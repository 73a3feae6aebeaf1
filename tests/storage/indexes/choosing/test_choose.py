import re
from itertools import count

import numpy as np
import pytest

from storage.errors import NothingFitsError
from storage.indexes.choosing import choose as module
from storage.indexes.choosing.choose import choose, stored
from storage.indexes.choosing.filling import Whole
from storage.indexes.choosing.truth import exact_answers
from storage.indexes.exact import exact_search
from storage.indexes.goal import Goal
from storage.indexes.questions import Questions
from storage.indexes.searching.engine import Engine
from tests.storage.indexes.data import asked, clustered, ids_of

N, D = 4000, 16
IDS, (VECTORS, QUERIES) = ids_of(N), clustered(N, D, 300)
QUESTIONS = asked(QUERIES)
FLAT = 4 * D * N + 8 * N


def clock():
    """Each reading is 1 ms after the last, so that each query takes 1 ms."""
    ticks = count(0, 0.001)
    return lambda: next(ticks)


def test_exact_search_is_taken_while_it_is_cheap():
    """Nothing is measured, and nothing is built: the vectors are the index."""
    chosen = choose(IDS, VECTORS, QUESTIONS, Goal())

    assert (chosen.kind.name, chosen.index, chosen.tried) == ("flat", None, ())
    assert chosen.reached is None


@pytest.mark.parametrize("questions", [None, asked(QUERIES[:19])])
def test_without_enough_queries_stored_vectors_ask(questions):
    """Where exact search is not cheap it is not taken for lack of queries, whatever it costs."""
    chosen = choose(IDS, VECTORS, questions, Goal(cheap=0, recall=0.8))

    assert (chosen.kind.name, chosen.reached.asked) == ("pq-half", "stored vectors")


@pytest.mark.parametrize("goal", [0.9, 0.98])
def test_the_recall_is_reached_for_fewer_results_too(goal):
    """Whoever asks for one, two or five gets at least the recall that was promised of ten."""
    chosen = choose(IDS, VECTORS, QUESTIONS, Goal(cheap=0, recall=goal))
    engine = Engine.over(chosen.index, IDS, VECTORS, chosen.setting)
    exact = exact_search(IDS, VECTORS, QUERIES, 10)[1]
    shares = {
        k: np.mean([np.isin(exact[row, :k], one).mean() for row, one in enumerate(found)])
        for k in (1, 2, 5, 10)
        for found in [engine.search(QUERIES, k)[1]]
    }

    assert chosen.kind.refined
    assert min(shares.values()) >= goal


def test_each_kind_of_query_reaches_the_goal():
    """Many easy queries do not make up for those of another language, if there are 50 of them."""
    vectors = np.concatenate([VECTORS[:900], -VECTORS[:120]])
    kinds = np.repeat(["text en", "text zh"], [900, 120])
    goal = Goal(recall=0.9, memory=FLAT - 1)
    chosen = choose(IDS, VECTORS, Questions(vectors, kinds), goal)
    alike = choose(IDS, VECTORS, Questions(vectors, np.full(1020, "text")), goal)

    assert min(chosen.reached.by.values()) >= 0.9
    assert chosen.setting.depth > alike.setting.depth


def test_queries_of_sixty_kinds_do_not_report_on_themselves():
    """Of kinds with one query each, half of the kinds tunes and half reports."""
    questions = Questions(QUERIES[:60], np.array([f"kind {row}" for row in range(60)]))
    chosen = choose(IDS, VECTORS, questions, Goal(recall=0.8, memory=FLAT - 1))

    assert chosen.reached.queries == 30


@pytest.mark.parametrize(
    ("vectors", "why"),
    [
        (VECTORS.astype(np.float64), "float64"),
        (np.repeat(VECTORS, 2, axis=1)[:, ::2], "row after row"),
        (VECTORS[:10], "4000 ids"),
    ],
)
def test_vectors_that_faiss_would_not_take_are_refused_before_any_work(vectors, why):
    """The error says what does not fit, and not where faiss stumbled."""
    with pytest.raises(ValueError, match=why):
        choose(IDS, vectors, QUESTIONS, Goal(cheap=0))


def test_queries_of_another_dimension_are_refused():
    """Before anything is measured, even where exact search would be taken unmeasured."""
    with pytest.raises(ValueError, match="queries of"):
        choose(IDS, VECTORS, asked(QUERIES[:, :8]), Goal())


@pytest.mark.parametrize("recall", [0.98, 1.0])
def test_what_the_error_says_to_relax_is_enough(recall):
    """With the memory that it names, the kind that it names is tried; so it goes on to the end."""
    memory, named, chosen = 3 * N, "", None
    while chosen is None:
        chosen, tried, relax = chosen_or_told(Goal(recall=recall, memory=memory))
        assert not named or named in {point.kind for point in tried if point.rate} | {"flat"}
        if chosen is None:
            told = re.search(r"([\d.,]+) MB let (\S+) be tried", relax)
            assert float(told[1]) * 1e6 > memory
            memory, named = round(float(told[1]) * 1e6), told[2]

    assert chosen == named
    assert (named == "flat") == (recall == 1)


def chosen_or_told(goal):
    """The kind that is chosen, or None; what was tried, and what would have to be relaxed."""
    try:
        chosen = choose(IDS, VECTORS, QUESTIONS, goal)
    except NothingFitsError as error:
        return None, error.tried, error.relax
    return chosen.kind.name, chosen.tried, ""


def test_the_first_kind_that_meets_the_goal_is_chosen():
    """Codes that are scanned come first; the recall holds on the queries that did not tune."""
    chosen = choose(IDS, VECTORS, QUESTIONS, Goal(cheap=0, recall=0.9))
    _, reporting = QUESTIONS.halves(0)

    assert chosen.kind.name == "pq-half"
    assert chosen.reached.recall >= 0.9
    assert chosen.reached.queries == len(reporting)
    assert chosen.trained_on == N
    assert [point.fits for point in chosen.tried if point.setting == chosen.setting] == [True]


def test_what_was_reported_is_what_a_search_gives():
    """Searched with its setting, the index has the recall that was reported, against NumPy."""
    chosen = choose(IDS, VECTORS, QUESTIONS, Goal(cheap=0, recall=0.9))
    _, reporting = QUESTIONS.halves(0)
    queries = QUERIES[reporting]
    engine = Engine.over(chosen.index, IDS, VECTORS, chosen.setting)
    _, found = engine.search(queries, 10)
    exact = exact_search(IDS, VECTORS, queries, 10)[1]
    shares = [len({*one} & {*other}) / 10 for one, other in zip(found, exact, strict=True)]

    assert chosen.reached.recall == pytest.approx(np.mean(shares), abs=1e-9)


def test_the_same_input_is_chosen_alike():
    """Kind and setting depend on no timing."""
    goal = Goal(cheap=0, recall=0.9, threads=1)
    one, other = (choose(IDS, VECTORS, QUESTIONS, goal, clock=clock()) for _ in range(2))

    assert (one.kind, one.setting, one.tried) == (other.kind, other.setting, other.tried)


def test_memory_decides_against_exact_search():
    """One byte less than the vectors take, and codes are chosen; with it, the vectors."""
    within, below = Goal(recall=0.9, memory=FLAT), Goal(recall=0.9, memory=FLAT - 1)

    assert choose(IDS, VECTORS, QUESTIONS, within).kind.name == "flat"
    assert choose(IDS, VECTORS, QUESTIONS, below).kind.name == "pq-half"


def test_a_latency_is_measured_of_exact_search_too():
    """Exact search that is fast enough is chosen, with the measured point and recall 1."""
    chosen = choose(IDS, VECTORS, QUESTIONS, Goal(latency=2), clock=clock())

    assert chosen.kind.name == "flat"
    assert [(point.recall, point.fits) for point in chosen.tried] == [(1.0, True)]
    assert chosen.tried[0].latency_ms == pytest.approx(1.0)


def test_all_is_found_by_exact_search_only():
    """A recall of 1 is never claimed of codes."""
    assert choose(IDS, VECTORS, QUESTIONS, Goal(cheap=0, recall=1)).kind.name == "flat"


def test_where_nothing_fits_the_frontier_is_told():
    """Each kind is in the error, measured or with why it was not built; the exit code is 9."""
    with pytest.raises(NothingFitsError) as raised:
        choose(IDS, VECTORS, QUESTIONS, Goal(recall=0.995, memory=11 * N), clock=clock())
    tried = {point.kind: point for point in raised.value.tried}

    assert raised.value.exit_code == 9
    assert not any(point.fits for point in tried.values())
    assert tried["hnsw"].why == "not built: 1.4 MB"
    assert tried["pq-quarter"].rate > 0
    assert "a recall of 0." in raised.value.relax


def test_what_cannot_be_better_is_not_built():
    """Where codes of half a byte a number find too little, shorter ones are left out."""
    with pytest.raises(NothingFitsError) as raised:
        choose(IDS, VECTORS, QUESTIONS, Goal(recall=0.9999, memory=14 * N), clock=clock())
    tried = {point.kind: point.why for point in raised.value.tried}

    assert tried["pq-quarter"] == "not built: pq-half finds more, and not enough"


def test_too_slow_for_any_kind_says_the_latency():
    """Where each query takes 1 ms, half a millisecond cannot be kept, and it is said."""
    with pytest.raises(NothingFitsError, match="1 ms are enough for the recall") as raised:
        choose(IDS[:700], VECTORS[:700], QUESTIONS, Goal(recall=0.9, latency=0.5), clock=clock())
    tried = {point.kind: point.why for point in raised.value.tried}

    assert tried["rabitq"] == "not built: pq-half is faster, and not fast enough"


def test_exact_search_is_the_last_resort():
    """Where no codes reach the recall and memory allows, search is exact rather than refused."""
    vectors = np.random.default_rng(0).standard_normal((300, D)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    queries = asked(vectors[:40])
    chosen = choose(IDS[:300], vectors, queries, Goal(cheap=0, recall=0.9999))

    assert chosen.kind.name == "flat"
    assert chosen.reached.recall == 1


def test_without_queries_stored_vectors_ask_where_memory_bars_exact_search():
    """They ask for others than themselves, and the report says what asked."""
    chosen = choose(IDS, VECTORS, None, Goal(recall=0.8, memory=FLAT // 2))

    assert chosen.reached.asked == "stored vectors"
    assert chosen.kind.name == "pq-half"
    questions = stored(IDS, VECTORS, 0)
    assert np.array_equal(questions.vectors, VECTORS[np.searchsorted(IDS, questions.own)])


def test_exact_answers_are_kept_and_used_again(tmp_path, monkeypatch):
    """With the same rows and queries they are read; with other queries they are made anew."""
    goal, made = Goal(cheap=0, recall=0.9), []

    def counted(*args, **kwargs):
        made.append(args)
        return exact_answers(*args, **kwargs)

    monkeypatch.setattr(module, "exact_answers", counted)
    one = choose(IDS, VECTORS, QUESTIONS, goal, filling=Whole(tmp_path))
    two = choose(IDS, VECTORS, QUESTIONS, goal, filling=Whole(tmp_path))
    assert (one.reached, len(made)) == (two.reached, 1)

    choose(IDS, VECTORS, Questions(-QUERIES, QUESTIONS.kinds), goal, filling=Whole(tmp_path))
    assert len(made) == 2


def test_a_setting_that_falls_short_on_the_other_half_is_not_kept(monkeypatch):
    """The next stronger one is looked at, and what fell short says so."""
    recalls = iter([np.full(150, 0.85), np.full(150, 0.95)])
    monkeypatch.setattr(module, "recall_of", lambda *_: next(recalls))
    chosen = choose(IDS, VECTORS, QUESTIONS, Goal(cheap=0, recall=0.9))
    short = [point for point in chosen.tried if "other half" in point.why]

    assert [point.why for point in short] == ["recall 0.850 on the other half of the queries"]
    assert chosen.setting.depth > short[0].setting.depth
    assert chosen.reached.recall == pytest.approx(0.95)
    assert chosen.reached.looks == 2


def test_one_row_can_be_searched_whatever_the_memory():
    """Where there are too few queries to report on others, those that tuned report."""
    with pytest.raises(NothingFitsError):
        choose(IDS[:1], VECTORS[:1], None, Goal(memory=10), clock=clock())
    chosen = choose(IDS[:1], VECTORS[:1], None, Goal(latency=2), clock=clock())

    assert (chosen.kind.name, chosen.reached.queries) == ("flat", 1)


def test_an_empty_index_is_flat():
    """Without rows there is nothing to choose."""
    assert choose(IDS[:0], VECTORS[:0], QUESTIONS, Goal(memory=0)).kind.name == "flat"
