"""TREC's text files."""

import time

import pytest

from mmcore.errors import ConfigError
from mmcore.evaluation.querysets.trec import Judgement, Topic, read_qrels, read_topics


def written(tmp_path, text, name="given.txt"):
    """A file of that text."""
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_line_of_qrels_is_query_iteration_document_grade(tmp_path):
    """Blank lines count as lines only; a document may have spaces in its name."""
    path = written(tmp_path, "q1 0 media/cat 1\n\nq1 0 media/my old cat.png  2\nq2\t0\tfox\t-1\n")

    assert read_qrels(path) == [
        Judgement(1, "q1", "media/cat", 1),
        Judgement(3, "q1", "media/my old cat.png", 2),
        Judgement(4, "q2", "fox", -1),
    ]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("q1 0 cat 1\nq1 0 cat\n", "line 2: is not `query"),
        ("q1 0\n", "line 1: is not `query"),
        ("q1\n", "line 1: is not `query"),
        ("q1 0 cat high\n", "line 1: the grade 'high'"),
        ("q1 0 cat 1.5\n", "line 1: the grade '1.5'"),
        ("q1 0 cat 9999999999\n", "too large"),
        (f"q1 0 cat {'9' * 5000}\n", "9999… is too large"),
        (f"q1 0 cat {'x' * 5000}\n", "xxxx…' is no whole number"),
        ("q1 0 \u2028cat 1\nq1\n", "line 2: is not `query"),
        (b"q1 0 \xff\xfe 1\n", "not in UTF-8"),
    ],
)
def test_a_bad_line_is_named(tmp_path, text, says):
    """With what is wrong about it."""
    with pytest.raises(ConfigError, match="given") as error:
        read_qrels(written(tmp_path, text))

    assert says in str(error.value)


def test_topics_are_a_query_and_its_text_a_line(tmp_path):
    """With a language, where it is told; a mark of UTF-8 is no part of the first query."""
    path = written(tmp_path, "\ufeffq1\tA cat\nq2\t一只猫\tzh\n")

    assert read_topics(path) == [Topic(1, "q1", "A cat"), Topic(2, "q2", "一只猫", "zh")]


def test_topics_may_stand_in_tags(tmp_path):
    """As in TREC's own files, closed or not."""
    path = written(
        tmp_path,
        "<top>\n<num> Number: 301\n<title> A black\n cat\n<desc> of no use\n</top>\n"
        "<top><num>302</num><title>狗</title></top>",
    )

    assert read_topics(path) == [Topic(1, "301", "A black cat"), Topic(7, "302", "狗")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("q1 A cat\n", "line 1: is not `query<TAB>text`"),
        ("q1\t\n", "line 1"),
        ("q1\tA\tzh\tB\n", "line 1"),
        ("q1\tA\nq1\tB\n", "line 2: query 'q1' is in line 1, too"),
        ("", "has no topics"),
        ("<top><num>1</num></top>", "line 1: the topic has no"),
        ("<top><title>A</title></top>", "line 1: the topic has no"),
        ("\n<top>\n<top><num>1<title>A</top>", "line 2: the topic has no </top>"),
        ("<top><num>1<title>A</top>\n<top><num>2<title>B", "line 2: the topic has no </top>"),
    ],
)
def test_a_bad_topic_is_named(tmp_path, text, says):
    """With its line."""
    with pytest.raises(ConfigError) as error:
        read_topics(written(tmp_path, text))

    assert says in str(error.value)


def test_a_file_that_is_not_there_is_said(tmp_path):
    """By its name."""
    with pytest.raises(ConfigError, match=r"none\.txt cannot be read"):
        read_qrels(tmp_path / "none.txt")


@pytest.mark.parametrize(
    "text", ["<top>" * 40_000, "<top><num>" + " " * 40_000 + "<", "<TOP></TOP>"]
)
def test_tags_are_read_in_one_pass(tmp_path, text):
    """Whatever is opened and not closed: forty thousand took a minute."""
    began = time.monotonic()

    with pytest.raises(ConfigError):
        read_topics(written(tmp_path, text + "</top>"))

    assert time.monotonic() - began < 20  # beside other work too
