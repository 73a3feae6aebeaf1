"""Tests of mmcore/media/texts/chunks.py."""

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcore.media.texts import chunks as module
from mmcore.media.texts.chunks import chunks
from mmcore.specs import SegmentationSpec
from mmcore.types import Span

MIXED = st.text(st.sampled_from("ab.? \n，。！青蛙🐸e\u0301\u00e9—“”\t"), max_size=120)


def cut(text, most, overlap=0, **fields):
    """The chunks of a text that is cut into chunks of ``most``."""
    return list(chunks(text, SegmentationSpec(text_chars=most, text_overlap=overlap, **fields)))


def weight(text):
    """A wide character counts two."""
    return len(text) + len(re.findall("[\u3000-\u30ff\u3400-\u9fff\uff00-\uffef]", text))


def test_a_text_that_fits_is_one_chunk_without_a_span():
    """Most captions are one chunk."""
    assert cut("A frog. It is green.", 400) == [(None, "A frog. It is green.")]


def test_chunks_end_where_sentences_do():
    """Sentences are packed up to the limit: 8 + 8 characters fit 17, a third does not."""
    assert cut("One two. Six ten. New era.", 17) == [
        (Span(0, 17, "char"), "One two. Six ten."),
        (Span(18, 26, "char"), "New era."),
    ]


def test_a_chunk_repeats_the_last_sentences():
    """9 characters with the space: one sentence is repeated, and the spans tell it."""
    assert cut("One two. Six ten. New era. Old man. Red hat.", 27, 9) == [
        (Span(0, 26, "char"), "One two. Six ten. New era."),
        (Span(18, 44, "char"), "New era. Old man. Red hat."),
    ]


def test_less_is_repeated_where_more_would_not_fit():
    """Two sentences of 8 may be repeated; beside one of 20 only one has room."""
    found = cut("青蛙叫。小狗跑。小鸟飞。我们今天去公园散步。", 28, 16)

    assert [text for _, text in found] == [
        "青蛙叫。小狗跑。小鸟飞。",
        "小鸟飞。我们今天去公园散步。",
    ]


def test_nothing_is_repeated_of_a_sentence_that_was_cut():
    """Overlap is of whole sentences."""
    found = cut("one two three four five six seven.", 14, 10)

    assert [text for _, text in found] == ["one two three", "four five six", "seven."]


def test_a_chinese_character_counts_two():
    """Of 8 allowed, two sentences of four wide characters make two chunks."""
    found = cut("青蛙叫。小狗跑。", 8)

    assert found == [(Span(0, 4, "char"), "青蛙叫。"), (Span(4, 8, "char"), "小狗跑。")]


def test_a_long_sentence_is_cut_where_clauses_end():
    """Before it is cut between words."""
    found = cut("今天天气很好，我们去公园散步，看见青蛙。", 26)

    assert [text for _, text in found] == ["今天天气很好，", "我们去公园散步，看见青蛙。"]


def test_a_long_chinese_sentence_is_cut_between_words():
    """清华大学 is one word for jieba: it is not cut although it would fill the chunk."""
    assert [text for _, text in cut("我来到北京清华大学", 12)] == ["我来到北京", "清华大学"]


def test_a_long_word_is_cut_anywhere():
    """A word longer than a chunk loses nothing."""
    assert [len(text) for _, text in cut("x" * 25, 10)] == [10, 10, 5]


@pytest.mark.parametrize(
    ("word", "text", "most"),
    [
        ("北京清华", "我来到北京清华大学", 12),
        ("Dr. Who, M.D.", "We met a Dr. Who, M.D. here today.", 16),
        ("C++ 语言", "他们学习C++ 语言很快", 12),
    ],
)
def test_a_word_of_a_dictionary_is_not_cut(tmp_path, word, text, most):
    """Neither where jieba would, nor where a sentence or a clause seems to end in it."""
    path = tmp_path / "words.txt"
    path.write_text(word, "utf-8")

    plain = [chunk for _, chunk in cut(text, most)]
    taught = [chunk for _, chunk in cut(text, most, text_dictionaries=(str(path),))]

    assert not any(word in chunk for chunk in plain)
    assert any(word in chunk for chunk in taught)


@given(MIXED, st.integers(1, 40), st.integers(0, 40))
@settings(max_examples=150, deadline=None)
def test_chunks_cover_the_text(text, most, overlap):
    """Each character but spaces lies in a chunk, and a chunk is what its span names."""
    found = cut(text, most, overlap)
    spans = [(int(span.start), int(span.end)) for span, _ in found if span]
    covered = {place for start, end in spans for place in range(start, end)}

    assert all(text[span.start : span.end] == chunk for span, chunk in found if span)
    assert all(chunk == chunk.strip() for span, chunk in found if span)
    if spans:
        missing = [c for place, c in enumerate(text) if place not in covered]
        assert not "".join(missing).strip()


@given(MIXED, st.integers(2, 40), st.integers(0, 40))
@settings(max_examples=150, deadline=None)
def test_no_chunk_is_too_long_or_inside_another(text, most, overlap):
    """Starts and ends grow, and two neighbours share ``overlap`` at most."""
    found = [(span, chunk) for span, chunk in cut(text, most, overlap) if span]

    assert all(weight(chunk) <= most for _, chunk in found)
    for (one, _), (other, _) in itertools.pairwise(found):
        assert one.start < other.start
        assert one.end < other.end
        assert weight(text[int(other.start) : int(one.end)]) <= overlap


def test_chunks_come_as_they_are_found(monkeypatch):
    """Whoever takes two does not wait for the rest of a long text: it may be too many anyway."""

    def three_ends(_):
        yield from (4, 8, 12)
        raise AssertionError("the rest was looked at")

    monkeypatch.setattr(module, "sentence_ends", three_ends)
    first = itertools.islice(chunks("青蛙叫。" * 9, SegmentationSpec(text_chars=8)), 2)

    assert [span for span, _ in first] == [Span(0, 4, "char"), Span(4, 8, "char")]


def test_a_long_text_takes_linear_time():
    """A quarter of a million characters without a sentence's end are no special case."""
    found = cut("word " * 50_000, 400, 60)

    assert sum(len(text.split()) for _, text in found) == 50_000
