"""Tests of mmcore/media/texts/sentences.py."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcore.media.texts.sentences import clause_ends, sentence_ends


def parts(text, ends):
    """What lies between the ends."""
    places = [0, *ends(text)]
    return [text[a:b] for a, b in itertools.pairwise(places)]


@pytest.mark.parametrize(
    "sentences",
    [
        ["One two. ", "Six ten! ", "Red hat?"],
        ["Mr. Smith met Dr. J. K. Rowling in the U.S. Army. ", "He left."],
        ["It costs $3.14, e.g. in shops, etc. and so on. ", "Yes."],
        ["See No. 5 and Fig. 2 here. ", "I said no. ", "Then I left."],
        ['He said "Yes." ', "(Or no.) ", "Go to http://a.b/c?d=1;e!f now."],
        ["1. First thing\n", "2. Second thing"],
        ["A line that was\nonly wrapped goes on. ", "Here.\n\n", "and a paragraph does not"],
        ["青蛙叫。", "小狗跑！", "下雨了？！", "是的……", "好"],
        ["“你好。”", "他说：“走吧！”", "（他来了。）", "我们走了。"],
        ["他说：「走。」", "然後走了。"],
        ["青蛙在叫!", "小狗 3.5 kg; ", "好"],
    ],
)
def test_sentences_end_at_their_punctuation(sentences):
    """Closing quotes stay with their sentence; abbreviations and numbers end none."""
    assert parts("".join(sentences), sentence_ends) == sentences


def test_clauses_end_at_commas():
    """Not in numbers and times."""
    assert parts("在3,000年前，青蛙、狗：at 12:30, ok", clause_ends) == [
        "在3,000年前，",
        "青蛙、",
        "狗：",
        "at 12:30, ",
        "ok",
    ]


@given(st.text(st.sampled_from('aB.?!,;: \n1。，！…”’")）青e'), max_size=60))
@settings(max_examples=100, deadline=None)
def test_ends_grow_up_to_the_end(text):
    """Each end is behind the last one; the last is the text's."""
    for ends in (sentence_ends, clause_ends):
        found = [0, *ends(text)]
        assert found == sorted(set(found))
        assert found[-1] == len(text)
