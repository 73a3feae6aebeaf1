"""Tests of mmcore/media/texts/words.py."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mmcore.media.limits import heartbeat
from mmcore.media.texts.words import ends, words

MIXED = st.text(st.sampled_from("ab.? \n，。！青蛙🐸e\u0301\u00e9—“”\t"), max_size=120)
SENTENCE = "南京市长江大桥的云计算大师在New York学C++ 语言。"


@pytest.fixture
def dictionary(tmp_path):
    """A dictionary of four words and one that is none."""
    path = tmp_path / "words.txt"
    path.write_text("云计算大师 5 n\nNew York 9 ns\nC++ 语言\n和服 3\n公园 0\n", "utf-8")
    return (str(path),)


def test_words_of_chinese_and_english():
    """Punctuation is kept, spaces are not."""
    assert words("我来到北京清华大学, I love 3.14!") == [
        *("我", "来到", "北京", "清华大学", ",", "I", "love", "3.14", "!"),
    ]


def test_a_dictionary_teaches_words(dictionary):
    """With spaces and punctuation too, which jieba by itself never finds."""
    plain, taught = words(SENTENCE), words(SENTENCE, dictionary)

    assert {"云计算大师", "New York", "C++ 语言"}.isdisjoint(plain)
    assert taught == [
        *("南京市", "长江大桥", "的", "云计算大师", "在", "New York", "学", "C++ 语言", "。"),
    ]
    assert words(SENTENCE) == plain


def test_a_frequency_of_0_denies_a_word(dictionary):
    """There alone: other dictionaries and none still know it."""
    assert words("我们去公园", dictionary) == ["我们", "去", "公", "园"]
    assert words("我们去公园") == ["我们", "去", "公园"]


def test_no_range_ends_inside_a_word_of_a_dictionary(dictionary):
    """和服 in 产品和服务 is an accident, but no place to cut at."""
    text = "产品和服务"

    assert [text[a:b] for a, b in ends(text)] == ["产品", "和", "服务"]
    assert [text[a:b] for a, b in ends(text, dictionary)] == ["产品", "和服务"]


@given(MIXED)
@settings(max_examples=30, deadline=None)
def test_words_tile_the_text(text):
    """Word ranges follow each other from the first to the last character."""
    found = list(ends(text))

    assert "".join(text[start:end] for start, end in found) == text
    assert all(start < end for start, end in found)


def test_any_number_of_threads_may_ask(dictionary):
    """Each dictionary is taught once, to a tokenizer of its own."""
    with ThreadPoolExecutor(8) as pool:
        asked = [(SENTENCE, ()), (SENTENCE, dictionary)] * 20
        found = list(pool.map(lambda one: tuple(words(*one)), asked))

    assert len(set(found)) == 2
    assert found[:2] * 20 == found


@pytest.mark.slow
def test_a_long_run_without_punctuation_is_taken_in_windows():
    """Jieba's memory grows with what it gets at once; what comes out is the whole text."""
    text = "今天天气很好我们去公园散步" * 4000

    assert "".join(words(text)) == text


@pytest.mark.parametrize("words_of_ours", [(), ("青蛙叫",)])
def test_who_waits_hears_of_long_work(tmp_path, words_of_ours):
    """A sign every thousand words or so: what works for a minute on one text does not hang."""
    path = tmp_path / "words.txt"
    path.write_text("\n".join(words_of_ours), "utf-8")
    signs = []
    before = heartbeat.set(lambda: signs.append(1))
    try:
        found = list(ends("今天天气很好" * 5000, (str(path),)))
    finally:
        heartbeat.reset(before)

    assert len(signs) >= len(found) // 1100 > 5


@pytest.mark.slow
def test_no_cache_is_left_in_a_shared_folder(tmp_path):
    """Jieba would write and read a marshal file in the folder for temporary files."""
    code = "from mmcore.media.texts.tagging import tagged; tagged('青蛙在叫')"
    place = {"TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | place, capture_output=True, check=True
    )

    assert list(tmp_path.iterdir()) == []
    assert done.stderr == b""


def test_importing_loads_neither_jieba_nor_opencc():
    """The import stays cheap: jieba comes with the first sentence that is too long."""
    code = (
        "import sys, mmcore.media.texts.chunks, mmcore.media.texts.tagging;"
        " print([m for m in ('jieba', 'opencc', 'charset_normalizer', 'PIL') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
