"""Query sets as a search answers them: words count there."""

import logging

import pytest

from mmcore.evaluation.outcomes import Measured
from mmcore.evaluation.querysets.ask import user_outcomes
from mmcore.evaluation.querysets.imported import import_pairs, import_qrels
from mmcore.evaluation.querysets.searched import searched_scores
from mmcore.search.searcher import Searcher
from mmcore.search.words.made import words_table
from mmcore.specs import EvaluationSpec
from storage.querysets import read_sets, write_set
from tests.lakes import make_lake, towers
from tests.mmcore.evaluation.benches import bench_of, terms_of, with_table

ZOO = ["ant", "bee", "cat", "dog", "elk", "fox", "gnu", "hen"]


@pytest.fixture
def lake(tmp_path):
    """Eight red pictures; no vector tells their animals apart, their captions do."""
    items = {
        f"{beast}": {f"{beast}.png": "red", f"{beast}.txt": f"A red {beast} on a wall."}
        for beast in ZOO
    }
    made = make_lake(tmp_path, items, towers())
    return with_table(made, "words", words_table([made.rows("segments/text")]))


@pytest.fixture
def put(lake, tmp_path):
    """Import a set by its name; returns nothing."""

    def put(name, text, read=import_qrels):
        path = tmp_path / "given.csv"
        path.write_text(text, encoding="utf-8")
        found = read(lake, path)
        write_set(lake.layout, found.card(name), found.queries, found.qrels, found.media)

    return put


def searched(snapshot, **spec):
    """Direction → as a search answers it."""
    terms = terms_of(snapshot, None, EvaluationSpec(min_queries=1, **spec))
    bench, sets = bench_of(snapshot, terms), read_sets(snapshot.layout)
    exact = [o.full for o in user_outcomes(bench, sets) if isinstance(o, Measured)]
    return {one.direction: one for one in searched_scores(bench, sets, exact)}


def test_words_count_as_they_do_in_a_search(lake, put):
    """What the captions alone tell apart comes first; by vectors it does not."""
    put("zoo", "query,item\n" + "".join(f"red {beast},media/{beast}\n" for beast in ZOO))

    found = searched(lake)["zoo/text:en→fused"]

    assert found.queries == len(ZOO)
    assert found.means["RR"] == 1
    assert found.exact["RR"] < 1
    assert found.means.keys() == found.exact.keys()


def test_every_target_of_a_text_is_searched(lake, put):
    """Whole items, each medium, and texts of a language."""
    put("zoo", "query,item\nred hen,media/hen\n")

    assert searched(lake).keys() == {f"zoo/text:en→{to}" for to in ("fused", "image", "text:en")}


def test_grades_count(lake, put):
    """A hit with the smaller grade first is not the ideal order."""
    put("zoo", "query,item,grade\nred hen,media/hen,1\nred hen,media/gnu,3\n")

    assert 0 < searched(lake)["zoo/text:en→fused"].means["nDCG@10"] < 1


def test_no_more_are_asked_than_of_indexes(lake, put):
    """The same few by vectors, beside."""
    put("zoo", "query,item\n" + "".join(f"red {beast},media/{beast}\n" for beast in ZOO))

    assert searched(lake, served_queries=3)["zoo/text:en→fused"].queries == 3
    assert searched(lake, served_queries=0) == {}


def test_pairs_are_not_searched(lake, put):
    """They look for each other, and for no item."""
    put("same", "zh,en\n红,red\n", import_pairs)

    assert searched(lake) == {}


def test_a_query_that_no_search_takes_finds_nothing(lake, put, monkeypatch, caplog):
    """It counts 0, and is named; its neighbours are answered."""
    put("zoo", f"query,item\nred hen,media/hen\n{'red gnu ' * 3000},media/gnu\n")

    with caplog.at_level(logging.WARNING):
        found = searched(lake)["zoo/text:en→fused"]

    assert (found.queries, found.means["RR"]) == (2, 0.5)
    assert "finds nothing by a search" in caplog.text


def test_no_search_is_opened_without_a_set(lake, monkeypatch):
    """A lake without one pays nothing."""
    monkeypatch.setattr(Searcher, "__init__", lambda *_: pytest.fail("it was opened"))

    assert searched(lake) == {}
