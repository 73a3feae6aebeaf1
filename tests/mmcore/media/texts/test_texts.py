"""Tests of mmcore/media/text.py, charset.py and words.py."""

import itertools
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcore.errors import MediaError
from mmcore.media.texts.chunks import chunks
from mmcore.media.texts.clean import caption_key, clean
from mmcore.media.texts.language import detect_language
from mmcore.media.texts.read import read_text
from mmcore.media.texts.words import ends
from mmcore.specs import LimitsSpec, SegmentationSpec
from mmcore.types import Span
from storage.schemas import Modality
from tests import media

LIMITS = LimitsSpec()
MIXED = st.text(st.sampled_from("ab.? \n，。！青蛙🐸e\u0301\u00e9—“”\t"), max_size=120)


def read(path):
    """Read a file as a text."""
    return read_text(media.content(path, Modality.TEXT), LIMITS)


@pytest.mark.parametrize(
    "charset", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "gb18030", "gb2312"]
)
@pytest.mark.parametrize("words", ["青蛙", "一只绿色的青蛙。", "A frog 青蛙"])
def test_simplified_chinese_is_read_in_any_charset(tmp_path, charset, words):
    """Short Chinese comes back the same from Unicode with a mark and from the GB family."""
    mark = b"\xff\xfe" if charset == "utf-16-le" else b""
    path = tmp_path / "a.txt"
    path.write_bytes(mark + words.encode(charset))

    assert read(path) == words


@pytest.mark.parametrize("words", ["青蛙", "一隻綠色的青蛙。", "我們在花園裡看見一隻狗"])
def test_traditional_chinese_is_read_in_big5(tmp_path, words):
    """Short Big5 is not taken for GB18030, in which nearly all of it is valid too."""
    assert read(media.text(tmp_path / "a.txt", words, "big5")) == words


def test_other_charsets_are_guessed(tmp_path):
    """A longer Russian text in KOI8-R or CP1251 is found by charset-normalizer."""
    words = "Зелёная лягушка сидит на большом листе посреди старого пруда и громко квакает."
    assert read(media.text(tmp_path / "a.txt", words, "cp1251")) == words


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty-text"),
        (b" \n\t\x01 ", "empty-text"),
        (b"ab\0c", "not-text"),
        (b"\xff\xfea", "unknown-charset"),
    ],
)
def test_what_is_no_text_is_rejected(tmp_path, raw, reason):
    """Nothing, NULs and half a UTF-16 character are rejections with their reason."""
    path = tmp_path / "a.txt"
    path.write_bytes(raw)

    with pytest.raises(MediaError) as caught:
        read(path)
    assert caught.value.reason == reason


def test_a_text_above_the_limit_is_rejected(tmp_path):
    """A text is never cut to fit a limit."""
    content = media.content(media.text(tmp_path / "a.txt", "frog" * 10))

    with pytest.raises(MediaError) as caught:
        read_text(content, LimitsSpec(max_text_bytes=39))
    assert (caught.value.stage, caught.value.reason) == ("limits", "too-many-bytes")


def test_a_caption_is_its_own_text():
    """A manifest's caption is read from the content, no file is opened."""
    assert read_text(media.caption(" A  frog. "), LIMITS) == "A frog."


def test_clean_normalises():
    """NFC, one space for many, no control characters, at most one blank line."""
    dirty = "\ufeffe\u0301  a\t\tb\r\n\r\n\r\n\x07c\u200b \n d\u3000e"

    assert clean(dirty) == "é a b\n\nc\nd e"


@given(st.text(max_size=60))
@settings(max_examples=50, deadline=None)
def test_clean_is_idempotent(text):
    """Cleaned text is clean, also with lone surrogates before."""
    assert clean(clean(text)) == clean(text)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("A frog.", "en"),
        ("青蛙", "zh"),
        ("iPhone 手机壳", "zh"),
        ("The Chinese word for frog is 青蛙", "en"),
        ("カエルがいる", "other"),
        ("개구리", "other"),
        ("Лягушка", "other"),
        ("Très déjà né à l'été", "other"),
        ("123", "other"),
        ("", "other"),
    ],
)
def test_language_is_told_by_script(text, language):
    """Han is Chinese unless kana is about, plain Latin is English."""
    assert detect_language(text) == language


def test_a_text_that_fits_is_one_chunk_without_a_span():
    """Most captions are one chunk."""
    assert chunks("A frog. It is green.", SegmentationSpec()) == [(None, "A frog. It is green.")]


def test_chunks_end_where_sentences_do():
    """Sentences are packed up to the limit: 8 + 8 characters fit 17, a third does not."""
    spec = SegmentationSpec(text_chars=17)

    assert chunks("One two. Six ten. New era.", spec) == [
        (Span(0, 17, "char"), "One two. Six ten."),
        (Span(18, 26, "char"), "New era."),
    ]


def test_a_chinese_character_counts_two():
    """Of 8 allowed, two sentences of four wide characters make two chunks."""
    found = chunks("青蛙叫。小狗跑。", SegmentationSpec(text_chars=8))

    assert found == [(Span(0, 4, "char"), "青蛙叫。"), (Span(4, 8, "char"), "小狗跑。")]


def test_a_long_chinese_sentence_is_cut_between_words():
    """清华大学 is one word for jieba: it is not cut although it would fill the chunk."""
    found = chunks("我来到北京清华大学", SegmentationSpec(text_chars=12))

    assert [text for _, text in found] == ["我来到北京", "清华大学"]


def test_a_long_word_is_cut_anywhere():
    """A word longer than a chunk loses nothing."""
    found = chunks("x" * 25, SegmentationSpec(text_chars=10))

    assert [len(text) for _, text in found] == [10, 10, 5]


@given(MIXED, st.integers(1, 30))
@settings(max_examples=50, deadline=None)
def test_chunks_lose_no_character(text, most):
    """Spans are in order, lie in the text, are what they name, and leave out spaces alone."""
    found = chunks(text, SegmentationSpec(text_chars=most))
    spans = [span for span, _ in found if span is not None]

    assert "".join("".join(chunk for _, chunk in found).split()) == "".join(text.split())
    assert all(text[int(span.start) : int(span.end)] == chunk for span, chunk in found if span)
    assert all(a.end <= b.start for a, b in itertools.pairwise(spans))
    assert all(0 <= span.start < span.end <= len(text) for span in spans)
    assert all(len(chunk) <= max(most, 1) for span, chunk in found if span)


@given(MIXED)
@settings(max_examples=30, deadline=None)
def test_words_tile_the_text(text):
    """Word ranges follow each other from the first to the last character."""
    found = list(ends(text))

    assert "".join(text[start:end] for start, end in found) == text
    assert all(start < end for start, end in found)


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
    ],
)
def test_captions_with_equal_keys_are_equal(caption, key):
    """Case, width, punctuation and the leading article do not tell captions apart."""
    assert caption_key(caption) == key


def test_importing_text_loads_neither_jieba_nor_pillow():
    """The import stays cheap: jieba comes with the first sentence that is too long."""
    code = (
        "import sys, mmcore.media.texts.read;"
        " print([m for m in ('jieba', 'PIL') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
