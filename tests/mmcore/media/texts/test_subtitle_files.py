"""Tests of mmcore/media/texts/subtitle_files.py."""

import pytest

from mmcore.errors import MediaError
from mmcore.media.texts.subtitle_files import from_ass, from_stamps, passages_of


def cues(found):
    """(start, end, text) of each cue."""
    return [(cue.start, cue.end, cue.text) for cue in found]


def test_srt():
    """Numbers, markup and line ends of Windows are read; hours may be missing."""
    text = (
        "1\r\n00:00:01,500 --> 00:00:02,000\r\n<i>A frog.</i>\r\n{\\an8}It is green.\r\n\r\n"
        "2\r\n1:00:00,0 --> 01:00:01.25 X1:5\r\n青蛙\r\n"
    )

    assert cues(from_stamps(text)) == [
        (1.5, 2.0, "A frog. It is green."),
        (3600.0, 3601.25, "青蛙"),
    ]


def test_webvtt():
    """Settings, names of cues and speakers, notes and styles are no text."""
    text = (
        "WEBVTT - frogs\n\nSTYLE\n::cue { color: red }\n\nNOTE a note\n\n"
        "intro\n00:01.000 --> 00:02.000 align:start\n<v Ann>A <c.green>frog</c> &amp; a leaf\n\n"
    )

    assert cues(from_stamps(text)) == [(1.0, 2.0, "A frog & a leaf")]


def test_cues_without_an_empty_line_between():
    """The next cue's number is not taken for text."""
    text = "1\n00:01,0 --> 00:02,0\none\n2\n00:02,0 --> 00:03,0\ntwo"

    assert cues(from_stamps(text)) == [(1.0, 2.0, "one"), (2.0, 3.0, "two")]


def test_a_broken_cue_is_skipped():
    """Times that are no times cost their own cue."""
    text = "00:01,0 --> 00:02,0\none\n\n00:xx --> 00:05\nno\n\n00:05,0 --> 00:06,0\ntwo"

    assert cues(from_stamps(text)) == [(1.0, 2.0, "one"), (5.0, 6.0, "two")]


@pytest.mark.parametrize(
    ("times", "start", "end"),
    [
        ("00:09,0 --> 00:01,0", 9.0, 9.0),
        ("-00:00:05,000 --> 00:00:02,000", 0.0, 2.0),
        ("-00:05,0 --> -00:02,0", 0.0, 0.0),
    ],
)
def test_odd_times_are_mended(times, start, end):
    """An end before its start is it, a time before 0 is 0: no word is lost."""
    assert cues(from_stamps(f"1\n{times}\nA frog.\n")) == [(start, end, "A frog.")]


@pytest.mark.parametrize("gap", ["", "\n"])
def test_an_empty_line_in_a_cue_of_srt_ends_nothing(gap):
    """What is before the next cue's number is read, as players do; the number is not."""
    text = (
        "1\n00:01,0 --> 00:02,0\nHello\n\nLost words\n\n2\n"
        f"{gap}00:02,0 --> 00:03,0\n42\n\n{gap}00:03,0 --> 00:04,0\n\nlast\n\n1984\n"
    )

    assert [cue.text for cue in from_stamps(text)] == ["Hello Lost words", "42", "last 1984"]


def test_an_empty_line_ends_a_cue_of_webvtt():
    """A note or a name that follows is none of its text."""
    text = "WEBVTT\n\n00:01.0 --> 00:02.0\none\n\nNOTE a note\n\nx\n00:02.0 --> 00:03.0\ntwo"

    assert [cue.text for cue in from_stamps(text)] == ["one", "two"]


def test_ass():
    """Dialogue is read by the names of its fields, commas in the text stay."""
    text = (
        "[Script Info]\nTitle: x\n[Events]\nFormat: Start, End, Style, Text\n"
        "Dialogue: 0:00:01.50,0:00:02.00,Default,{\\pos(1,2)}A frog,\\Na leaf\n"
        "Comment: 0:00:01.50,0:00:02.00,Default,unseen\nDialogue: broken\n"
    )

    assert cues(from_ass(text)) == [(1.5, 2.0, "A frog, a leaf")]


def test_a_file_without_cues_is_rejected():
    """Its reason says so."""
    with pytest.raises(MediaError) as caught:
        list(passages_of(from_stamps("WEBVTT\n\nnothing")))

    assert (caught.value.stage, caught.value.reason) == ("text", "no-cues")


def test_a_cue_is_a_passage_with_seconds():
    """Its kind says what it was."""
    (passage,) = passages_of(from_stamps("00:01,0 --> 00:02,0\none"))

    assert (passage.text, passage.kind) == ("one", "subtitle")
    assert (passage.span.start, passage.span.end, passage.span.unit) == (1.0, 2.0, "second")
