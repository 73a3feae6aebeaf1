"""Tests of mmcore/media/texts/cut.py."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcore.errors import MediaError
from mmcore.media.pieces import Damage, Piece
from mmcore.media.sniffing import kinds
from mmcore.media.texts.cut import passages, texts_of
from mmcore.media.texts.read import read_text
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Span
from tests import media
from tests.made import documents

LIMITS = LimitsSpec()
SPEC = SegmentationSpec(text_chars=20, text_overlap=0)
TYPES = [
    *(kinds.PLAIN, kinds.HTML, kinds.SRT, kinds.VTT, kinds.ASS),
    *(kinds.JSON, kinds.JSON_LINES, kinds.CSV, kinds.PDF, kinds.DOCX),
]
TEXTS = [
    "<!DOCTYPE html><title>x</title><p>A <b>frog</b><img alt='y'>",
    "1\n00:00:01,000 --> 00:00:02,000\nA frog.\n\n2\n00:00:01,000 --> 00:00:02,000\nB\n",
    "WEBVTT\n\n00:01.000 --> 00:02.000\n<v A>青蛙 青蛙 青蛙 青蛙 青蛙 青蛙 青蛙\n",
    "[Script Info]\n[Events]\nDialogue: 0,0:00:01.0,0:00:02.0,,,0,0,0,,A frog.",
    '{"annotations": [{"caption": "A frog."}, {"caption": ["a", "b"]}]}',
    '{"caption": "A frog."}\n{"title": "x"}\n',
    "file,caption\na,A frog.\nb,青蛙\n",
    "# Title\n\n**A frog** sat. [Here](http://a.b). Then it went away again.",
    "一只绿色的青蛙坐在荷叶上。它在叫。",
]


def cut(content, spec=SPEC):
    """All pieces of a content."""
    return list(passages(content, spec, LIMITS))


def written(path, words):
    """The content of a text file."""
    return media.content(media.text(path, words))


def test_a_short_text_is_one_piece_without_a_span(tmp_path):
    """Most texts are."""
    (piece,) = cut(written(tmp_path / "a", "A frog."))

    assert (piece.text, piece.span, piece.source) == ("A frog.", None, "self")
    assert (piece.segmentation, piece.language) == ("chunk-20", "en")


def test_pages_are_cut_each_by_itself(tmp_path):
    """A span counts in its page; a damaged page comes last."""
    pages = ["One two. Six ten. New era.", None, "一只青蛙。"]
    *pieces, damage = cut(media.content(documents.pdf(tmp_path / "a", pages)))

    assert [(one.source, one.span, one.text, one.language) for one in pieces] == [
        ("page:1", Span(0, 17, "char"), "One two. Six ten.", "en"),
        ("page:1", Span(18, 26, "char"), "New era.", "en"),
        ("page:3", None, "一只青蛙。", "zh"),
    ]
    assert isinstance(damage, Damage)


def test_captions_are_cut_each_by_itself(tmp_path):
    """Spans count in the joined captions, also those of a long one."""
    content = written(tmp_path / "a", '{"captions": ["frog", "One two. Six ten. New era."]}')
    whole = read_text(content, LIMITS)
    found = [(one.span.start, one.span.end, one.text) for one in cut(content)]

    assert found == [(0, 4, "frog"), (5, 22, "One two. Six ten."), (23, 31, "New era.")]
    assert all(whole[start:end] == text for start, end, text in found)


def test_cues_are_packed(tmp_path):
    """Cues that fit are one piece, from the first start to the last end."""
    cues = [(1, 2, "One two."), (2, 3, "Six ten."), (4, 5, "A long frog.")]
    words = "".join(f"0:0{a},0 --> 0:0{b},0\n{text}\n\n" for a, b, text in cues)
    found = cut(written(tmp_path / "a", words))

    assert [(one.span, one.text) for one in found] == [
        (Span(1, 3, "second"), "One two. Six ten."),
        (Span(4, 5, "second"), "A long frog."),
    ]
    assert {(one.segmentation, one.kind) for one in found} == {("cue-20", "subtitle")}


def test_chinese_subtitles_in_gb18030(tmp_path):
    """As they are passed around."""
    words = "1\r\n00:00:01,000 --> 00:00:02,000\r\n一只绿色的青蛙\r\n"
    (piece,) = cut(media.content(media.text(tmp_path / "a.srt", words, "gb18030")))

    assert (piece.text, piece.language) == ("一只绿色的青蛙", "zh")


def test_the_texts_are_those_of_the_pieces(tmp_path):
    """In order, without what is damaged."""
    content = media.content(documents.pdf(tmp_path / "a", ["one", None, "three"]))

    assert texts_of(content, SPEC, LIMITS) == ["one", "three"]


def test_nothing_but_damage_is_a_rejection(tmp_path):
    """A document without a usable page is none."""
    with pytest.raises(MediaError):
        cut(media.content(documents.pdf(tmp_path / "a", [None])))


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    """The bytes of a real file of each kind."""
    place = tmp_path_factory.mktemp("seeds")
    words = documents.body("<w:p><w:r><w:t>A frog.</w:t></w:r></w:p>")
    paths = [
        documents.pdf(place / "a", ["A frog.\nsits", "青蛙"]),
        documents.archive(place / "b", {"word/document.xml": words}),
        documents.word(place / "c", ["A frog.", "青蛙"], [["a", "b"]]),
    ]
    encoded = (text.encode(charset) for text in TEXTS for charset in ("utf-8", "utf-16"))
    return [*(path.read_bytes() for path in paths), *encoded]


def check(content):
    """Either a rejection, or pieces that are what they must be."""
    rejected = None
    try:
        pieces = [one for one in cut(content) if isinstance(one, Piece)]
    except MediaError as error:
        rejected = error
    if rejected is not None:
        assert rejected.stage in {"text", "limits"}
        return
    whole = read_text(content, LIMITS)
    places = [(one.source, one.segmentation, one.span) for one in pieces]
    assert pieces
    assert len(set(places)) == len(places)
    for one in pieces:
        assert one.text
        assert one.text == one.text.strip()
        assert one.span is None or 0 <= one.span.start <= one.span.end
        if one.source == "self" and one.span is not None and one.span.unit == "char":
            assert whole[int(one.span.start) : int(one.span.end)] == one.text


@given(st.binary(max_size=200), st.sampled_from(TYPES))
@settings(max_examples=100, deadline=None)
def test_any_bytes_in_any_reader(tmp_path_factory, data, media_type):
    """A reader gives pieces that are sound, or a rejection; nothing else comes out."""
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(data)

    check(documents.content(path, media_type))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_real_files_with_some_bytes_changed(tmp_path_factory, seeds, data):
    """So does a file that was cut off, or has other bytes in places; also in a wrong reader."""
    raw = bytearray(data.draw(st.sampled_from(seeds)))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4)) + b"x"
    end = data.draw(st.integers(1, len(raw))) if data.draw(st.booleans()) else len(raw)
    path = tmp_path_factory.getbasetemp() / "changed"
    path.write_bytes(raw[:end])

    check(documents.content(path, data.draw(st.sampled_from(TYPES))))
