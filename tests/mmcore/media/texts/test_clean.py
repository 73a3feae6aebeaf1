"""Tests of mmcore/media/texts/clean.py."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcore.media.texts.clean import caption_key, clean

ODD = st.text(
    st.sampled_from(
        "aＡ１，・―∼中カ é\u0301\u200b\u200d\ufeff\u3000\t\n\r\x0b\x85\u2028\x07\ud800\uf900ﬁ"
    )
)


def test_clean_normalises():
    """NFC, one space for many, no control characters, at most one blank line."""
    dirty = "\ufeffe\u0301  a\t\tb\r\n\r\n\r\n\x07c\u200b \n d\u3000e"

    assert clean(dirty) == "é a b\n\nc\nd e"


def test_wide_letters_and_digits_become_plain_ones():
    """Punctuation stays as wide as it was written, and so do ligatures and kana."""
    assert clean("ＡＢｃ１２３，（ﬁ）ｶﾅ") == "ABc123，（ﬁ）ｶﾅ"


def test_marks_of_old_tables_become_usual_ones():
    """Python's gb2312 and big5 decode dash, middle dot and wave otherwise than gb18030."""
    gb, big5 = "卡尔·马克思——好", "好～"

    assert clean(gb.encode("gb18030").decode("gb2312")) == gb
    assert clean("好".encode("big5").decode("big5") + b"\xa1\xe3".decode("big5")) == big5


def test_the_middle_dot_between_kana_stays():
    """In Japanese it is its own."""
    assert clean("カール・マルクス") == "カール・マルクス"


def test_joiners_stay():
    """Without its joiners an emoji of a family falls into persons."""
    assert clean("👨\u200d👩\u200d👧") == "👨\u200d👩\u200d👧"


@given(st.one_of(st.text(max_size=60), ODD))
@settings(max_examples=150, deadline=None)
def test_clean_is_idempotent(text):
    """Cleaned text is clean, also with lone surrogates before."""
    assert clean(clean(text)) == clean(text)


@pytest.mark.parametrize(
    ("caption", "key"),
    [
        ("A frog.", "frog"),
        ("the  FROG!", "frog"),
        ("Some frogs", "frogs"),
        ("An apple, red", "apple red"),
        ("Ａ ｆｒｏｇ。", "frog"),
        ("青蛙。", "青蛙"),
        ("Another frog", "another frog"),
        ("The", "the"),
        ("A cat \U0001f431!", "cat"),
        ("\U0001f431", "\U0001f431"),
        (" \U0001f44d\U0001f3fd!", "\U0001f44d"),
        ("\u2764\ufe0f", "\u2764"),
        ("?! \u00a9", ""),
    ],
)
def test_captions_with_equal_keys_are_equal(caption, key):
    """Case, width, punctuation and the leading article do not tell captions apart.

    Emoji do where there is nothing else, however they are drawn.
    """
    assert caption_key(caption) == key


def test_both_scripts_of_a_caption_have_one_key():
    """So that neither is asked with where the other was fitted on."""
    assert caption_key("一隻綠色的青蛙。") == caption_key("一只绿色的青蛙") == "一只绿色的青蛙"
