"""How outcomes are compared with the committed tables."""

import pytest

from benchmarks import corpus_run
from benchmarks.corpora import CORPORA
from benchmarks.corpus_run import Expectation, expectations, mismatches
from benchmarks.indexed import LOST, OK, Outcome


def test_an_outcome_as_expected_is_no_mismatch():
    """Equal content and equal outcome say nothing."""
    wanted = {"a": Expectation("1", OK, ""), "b": Expectation("2", "image/truncated", "cut")}
    found = {"a": Outcome("1", OK), "b": Outcome("2", "image/truncated")}

    assert list(mismatches(wanted, found)) == []


def test_every_way_to_differ_is_told():
    """Another outcome, another content, a file too many and a file too few are mismatches."""
    wanted = {name: Expectation("1", OK, "") for name in ("gone", "lost", "other")}
    found = {"lost": Outcome("1", LOST), "other": Outcome("2", OK), "new": Outcome("1", OK)}

    assert list(mismatches(wanted, found)) == [
        ("gone", OK, "no such file"),
        ("lost", OK, LOST),
        ("new", "-", OK),
        ("other", "1", "another content: 2"),
    ]


@pytest.mark.parametrize("corpus", ["pillow", "mutagen"])
def test_a_committed_table_names_every_file_once(corpus):
    """As many rows as the corpus has files, each with a content id and a known form of outcome."""
    table = expectations(corpus)

    assert len(table) == CORPORA[corpus].files
    for expectation in table.values():
        assert len(expectation.content_id) == 32
        assert all(part == OK or part.count("/") == 1 for part in expectation.expected.split("; "))
        assert expectation.note


def test_a_table_of_other_columns_is_refused(tmp_path, monkeypatch):
    """A table that was edited into another form stops the run."""
    (tmp_path / "mutagen.tsv").write_text("path\texpected\na\tok\n", encoding="utf-8")
    monkeypatch.setattr(corpus_run, "EXPECTATIONS", tmp_path)

    with pytest.raises(SystemExit, match="columns"):
        expectations("mutagen")


def test_a_corpus_without_a_table_expects_nothing():
    """Chardet's texts are compared with their encodings instead."""
    assert expectations("chardet") == {}
