"""Tests of flows/terminal/wrapping.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from flows.terminal.wrapping import plain, visible, wrapped

WORDS = st.lists(
    st.sampled_from(["a", "word", "猫", "在", "桌子", "，", "。", "`--list`", "（", " "])
)


def test_english_breaks_between_words():
    """Never within one."""
    assert wrapped("a cat on the mat", 8) == ["a cat on", "the mat"]


def test_chinese_breaks_between_characters():
    """Each is two cells wide."""
    assert wrapped("一只黑猫坐在垫子上", 8) == ["一只黑猫", "坐在垫子", "上"]


def test_no_line_begins_with_a_mark_that_ends_a_phrase():
    """The mark takes the character before it along."""
    assert wrapped("一只黑猫，坐着。", 8) == ["一只黑", "猫，坐", "着。"]


def test_both_together():
    """An option is a word, wherever it stands."""
    assert wrapped("请用 `--exclude` 排除", 12) == ["请用", "`--exclude`", "排除"]


def test_a_word_that_is_too_wide_has_a_line_of_its_own():
    """It is for the terminal to break."""
    assert wrapped("see averylongword here", 6) == ["see", "averylongword", "here"]


@pytest.mark.parametrize(
    "steers", ["\x1b", "\n", "\x9b", *"\u2066\u2069\u202e\u200b\u061c\ufeff\u200e\u2028\xad"]
)
def test_what_cannot_be_seen_is_replaced(steers):
    """It would steer the terminal, turn the writing around, or hide a name in another."""
    assert visible(f"cat{steers}gpj.exe") == "cat\ufffdgpj.exe"
    assert plain(f"[b]{steers}") == "\\[b]\ufffd"


def test_emoji_and_all_writing_stay():
    """A joiner and a selector make one picture of several."""
    for text in ("👩\u200d🔬 ☀\ufe0f", "مرحبا", "ไทย", "हिन्दी", "猫 café"):
        assert visible(text) == text


@given(WORDS, st.integers(min_value=12, max_value=40))
def test_lines_fit_and_nothing_is_lost(words, width):
    """No line is wider than it may be where no word is, and together they are the text."""
    text = " ".join(words)
    lines = wrapped(text, width)

    assert all(cell_len(line) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
