"""Tests of mmcore/media/texts/cues.py."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmcore.media.texts.cues import Cue, cue_pieces, packed, plain
from mmcore.specs import SegmentationSpec
from mmcore.types import Span

SPEC = SegmentationSpec(text_chars=20)


def spans(cues, spec=SPEC):
    """(start, end, text) of the chunks."""
    return [(span.start, span.end, text) for span, text in packed(cues, spec)]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('<i>Hello</i> <font color="red">you</font>', "Hello you"),
        ("<v Ann>Hi</v> <c.yellow>there</c> <00:00:01.500>now", "Hi there now"),
        (r"{\an8\pos(1,2)}Hello,\Nthere\hyou", "Hello, there you"),
        (r"{\p1}m 0 0 l 100 0{\p0}words", "words"),
        (r"{\p1\an8}m 0 0 l 100 0", ""),
        ("Tom &amp; Jerry &lt;b&gt;", "Tom & Jerry <b>"),
        (f"Hello &#{'9' * 5000}; you", "Hello \ufffd you"),
        ("1 < 2 and {braces} stay\nhere", "1 < 2 and {braces} stay here"),
    ],
)
def test_markup_is_removed(text, shown):
    """What a viewer reads is left, on one line."""
    assert plain(text) == shown


def test_neighbours_join_as_long_as_they_fit():
    """Two cues of 9 and a space are 19 of 20 characters; a third begins another chunk."""
    cues = [Cue(0, 1, "one three"), Cue(2, 3, "four five"), Cue(4, 5, "six")]

    assert spans(cues) == [(0.0, 3.0, "one three four five"), (4.0, 5.0, "six")]


def test_a_chinese_character_counts_two():
    """Ten Chinese characters fill a chunk of 20."""
    cues = [Cue(0, 1, "今天天气真好"), Cue(1, 2, "我们去公园"), Cue(2, 3, "吧")]

    assert [text for _, text in packed(cues, SPEC)] == ["今天天气真好", "我们去公园 吧"]


def test_a_silence_ends_a_chunk():
    """Words that lie 11 s apart are not one passage."""
    assert spans([Cue(0, 1, "one"), Cue(12, 13, "two")]) == [(0, 1, "one"), (12, 13, "two")]


def test_cues_are_put_in_order():
    """Files may hold cues in any order."""
    assert spans([Cue(2, 3, "two"), Cue(0, 1, "one")]) == [(0.0, 3.0, "one two")]


def test_a_text_shown_by_several_cues_counts_once():
    """Effects repeat a text cue by cue; the same words after a pause are said again."""
    cues = [Cue(0, 1, "No."), Cue(1, 2, "No."), Cue(4, 5, "No.")]

    assert spans(cues) == [(0.0, 5.0, "No. No.")]


def test_a_long_cue_is_cut_with_its_time():
    """40 characters in 4 s: a chunk of 18 characters ends at 1.8 s."""
    text = "one two three four five six seven eight."
    chunks = spans([Cue(0, 4, text)])

    assert chunks[0] == (0.0, 1.8, "one two three four")
    assert " ".join(text for *_, text in chunks) == text
    assert chunks[-1][1] == 4.0


def test_odd_times_are_mended():
    """A time before 0, an end before its start, and a time that is no number."""
    cues = [Cue(-1, 1, "one"), Cue(20, 19, "two"), Cue(math.nan, 3, "three"), Cue(40, 41, " ")]

    assert spans(cues) == [(0.0, 1.0, "one"), (20.0, 20.0, "two")]


@given(
    st.lists(
        st.builds(
            Cue,
            st.integers(0, 30).map(float),
            st.integers(0, 30).map(float),
            st.text("ab 你。", max_size=60),
        ),
        max_size=12,
    )
)
def test_chunks_lose_nothing_and_have_spans_of_their_own(cues):
    """No two spans are equal, chunks fit, and every character is in one."""
    chunks = packed(cues, SPEC)
    texts = ["".join(text.split()) for _, text in chunks]

    assert len({span for span, _ in chunks}) == len(chunks)
    assert all(len(text) + text.count("你") + text.count("。") <= 20 for _, text in chunks)
    assert all(isinstance(s, Span) and s.start <= s.end and s.unit == "second" for s, _ in chunks)
    whole = {"".join(cue.text.split()) for cue in cues}
    assert set("".join(texts)) == set("".join(whole))
    assert len("".join(texts)) <= sum(len("".join(cue.text.split())) for cue in cues)


def test_pieces_of_cues_have_one_name_wherever_they_come_from():
    """``cue-<chars>`` is of the id of a segment: files, tracks and speech say the same."""
    cues = [Cue(0.0, 1.0, "一只青蛙"), Cue(60.0, 61.0, "A frog.")]

    told = [list(cue_pieces(cues, SPEC, *place)) for place in ((), ("asr@1", "asr"))]

    assert {piece.segmentation for of in told for piece in of} == {f"cue-{SPEC.text_chars}"}
    assert [(p.source, p.kind, p.language) for p in told[0]] == [
        ("self", "subtitle", "zh"),
        ("self", "subtitle", "en"),
    ]
    assert [(p.source, p.kind, p.text) for p in told[1]] == [
        ("asr@1", "asr", "一只青蛙"),
        ("asr@1", "asr", "A frog."),
    ]
