"""Tests of mmcore/media/texts/tagging.py."""

from concurrent.futures import ThreadPoolExecutor

from mmcore.media.texts.tagging import Word, tagged


def test_words_have_parts_of_speech_and_places():
    """Flags: r pronoun, v verb, ns place, x punctuation, eng English, m number."""
    assert tagged("我爱北京，love 3.14") == [
        Word("我", "r", 0, 1),
        Word("爱", "v", 1, 2),
        Word("北京", "ns", 2, 4),
        Word("，", "x", 4, 5),
        Word("love", "eng", 5, 9),
        Word("3.14", "m", 10, 14),
    ]


def test_a_dictionary_gives_words_and_flags(tmp_path):
    """The flag of a word without one is x; one with a space is a word too."""
    path = tmp_path / "words.txt"
    path.write_text("云计算大师 5 nr\n石墨烯晶格\nNew York 9 ns\n", "utf-8")
    text = "云计算大师在New York看石墨烯晶格"

    found = tagged(text, (str(path),))

    assert [(w.word, w.flag) for w in found] == [
        ("云计算大师", "nr"),
        ("在", "p"),
        ("New York", "ns"),
        ("看", "v"),
        ("石墨烯晶格", "x"),
    ]
    assert all(text[w.start : w.end] == w.word for w in found)


def test_any_number_of_threads_may_ask():
    """Nothing is loaded or changed while words are tagged."""
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda text: tuple(tagged(text)), ["一只绿色的青蛙在叫"] * 50))

    assert len(set(found)) == 1
