"""Tests of mmcore/media/texts/dictionaries.py."""

import os

import pytest

from mmcore.errors import ConfigError
from mmcore.media.texts.dictionaries import Entry, read_dictionaries


def written(path, content, charset="utf-8"):
    """A dictionary's path."""
    path.write_bytes(content.encode(charset))
    return str(path)


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_a_line_is_a_word_with_frequency_and_flag(tmp_path, charset):
    """In jieba's format, in any charset; a word may have spaces; blank lines are nothing."""
    text = "云计算 5\n石墨烯 n\r\n\n凱特琳 nz\n台中\nNew York 100 ns\n江大桥 0\n"

    found = read_dictionaries([written(tmp_path / "a.txt", text, charset)])

    assert found.entries == (
        Entry("云计算", 5),
        Entry("石墨烯", None, "n"),
        Entry("凱特琳", None, "nz"),
        Entry("台中"),
        Entry("New York", 100, "ns"),
        Entry("江大桥", 0),
    )
    assert "江大桥" not in found.words
    assert found.denied == {"江大桥"}


@pytest.mark.parametrize("line", ["a\tb", "云计算 3.5 n", "云计算 -3", "x" * 101, "云计算 3 N"])
def test_a_line_that_cannot_be_used_is_named(tmp_path, line):
    """The error has the file and the number of the line."""
    path = written(tmp_path / "a.txt", f"好词 3 n\n\n{line}\n")

    with pytest.raises(ConfigError, match=r"a\.txt, line 3: "):
        read_dictionaries([path])


def test_a_missing_file_is_named(tmp_path):
    """Before any work."""
    with pytest.raises(ConfigError, match=r"gone\.txt"):
        read_dictionaries([str(tmp_path / "gone.txt")])


def test_equal_contents_are_equal_dictionaries(tmp_path):
    """Wherever they lie; a file that has changed is another one."""
    first, second = (written(tmp_path / name, "云计算 5\n") for name in ("a.txt", "b.txt"))
    before = read_dictionaries([first])
    assert before == read_dictionaries([second])

    written(tmp_path / "a.txt", "云计算 6\n")
    os.utime(first, ns=(1, 1))
    assert before != read_dictionaries([first])


def test_places_are_the_longest_words_from_the_left(tmp_path):
    """Where words overlap, the first one counts."""
    found = read_dictionaries([written(tmp_path / "a.txt", "清华\n清华大学\n大学生\n")])

    assert list(found.places("在清华大学生活，清华人")) == [(1, 5), (8, 10)]
