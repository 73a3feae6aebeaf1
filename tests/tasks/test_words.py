"""The table of words in a candidate."""

import pytest

from mmcore.search.words import made
from mmcore.search.words.tokens import words_of
from storage.snapshot import Snapshot
from tasks import words
from tasks.models import bare
from tasks.words import write_words
from tasks.workplace import Workplace
from tests.lakes import coloured_items, make_lake, towers


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A snapshot without the table, as an earlier version published it."""
    return make_lake(tmp_path_factory.mktemp("lake"), coloured_items(copies=1), towers())


@pytest.fixture
def asked(monkeypatch):
    """The texts whose words were made."""
    texts = []
    monkeypatch.setattr(made, "words_of", lambda text: texts.append(text) or words_of(text))
    return texts


def written(snapshot, published):
    """The candidate, a snapshot here, with its words."""
    manifest = write_words.fn(snapshot.manifest, Workplace.of(snapshot), published)
    return Snapshot.of(snapshot.layout, manifest)


def test_the_first_run_on_an_older_lake_makes_all(lake, asked):
    """The candidate names one more table, says by which rules, and nothing else is other."""
    found = written(lake, lake)
    files = {file.path for file in found.manifest.files}

    assert files - {file.path for file in lake.manifest.files} == {*found.manifest.paths("words")}
    assert found.manifest.software["words"] == words.VERSION
    assert sorted(asked) == sorted(set(lake.rows("segments/text")["text"].to_pylist()))


def test_the_next_run_takes_them_over(lake, asked):
    """It names the same part and looks at no text."""
    first = written(lake, None)
    asked.clear()

    assert written(lake, first).manifest == first.manifest
    assert asked == []


def test_words_by_other_rules_are_made_anew(lake, asked, monkeypatch):
    """Those of a version that cut texts otherwise are not mixed with today's."""
    first = written(lake, None)
    asked.clear()
    monkeypatch.setattr(words, "VERSION", "another")

    assert written(lake, first).manifest.software["words"] == "another"
    assert len(asked) == first.rows("words").num_rows


def test_a_promotion_keeps_them(lake):
    """Its candidate has the rows of what serves, words too."""
    first = written(lake, None)
    kept = bare(first.manifest, "run-2")

    assert kept.paths("words") == first.manifest.paths("words") != []
    assert kept.software["words"] == words.VERSION
