"""The words of texts, names and queries."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmcore.search.words.tokens import LONGEST, is_han, words_of, words_of_names


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Two dogs, 3 cats!", ["two", "dogs", "3", "cats"]),
        ("IMG_2034.JPG", ["img_2034.jpg", "img_2034", "img", "2034", "jpg"]),
        ("tux-01", ["tux-01", "tux", "01"]),
        ("trips/2023/IMG__7", ["trips", "2023", "img__7", "img", "7"]),
        ("don’t", ["don't", "don", "t"]),
        ("C++ or C#", ["c++", "c", "or", "c#", "c"]),
        ("3.14 of 1,000", ["3.14", "3", "14", "of", "1", "000"]),
        ("wait... a--b", ["wait", "a", "b"]),
        ("Café", ["café", "cafe"]),
        ("ＩＭＧ＿２０３４", ["img_2034", "img", "2034"]),
        ("猫", ["猫"]),
        ("海边的猫", ["的", "猫", "海边", "边的", "的猫"]),
        ("🐱", ["🐱"]),
        ("a cat🐱🐱, 猫🐱", ["a", "cat", "🐱", "🐱", "猫", "🐱"]),
        ("👍🏽 ❤️ ❤︎", ["👍", "❤", "❤"]),
        ("👩🏾‍🚀!", ["👩‍🚀", "👩", "🚀"]),
        ("🇨🇳🇫🇷 🏴󠁧󠁢󠁳󠁣󠁴󠁿", ["🇨🇳", "🇫🇷", "🏴"]),
        ("1️⃣ © → •", ["1"]),
        ("?!", []),
        ("", []),
    ],
)
def test_words_are_what_people_type(text, words):
    """In lower case; codes whole and in parts; of Chinese jieba's words and all pairs; emoji."""
    assert words_of(text) == words


def test_traditional_and_simplified_characters_are_the_same_words():
    """A text in one script is found by the other."""
    assert words_of("騎自行車的圖片") == words_of("骑自行车的图片")


def test_a_chinese_name_is_found_inside_any_sentence():
    """However jieba cuts it there, all pairs of the name stand among the words."""
    for sentence in ("王小明在清华大学读书", "昨天见到王小明了", "张伟丽出席", "欧阳锋与张伟丽"):
        for name in ("王小明", "张伟", "欧阳锋"):
            pairs = {name[at : at + 2] for at in range(len(name) - 1)}
            assert (pairs <= set(words_of(sentence))) == (name in sentence)


def test_a_word_without_end_is_cut():
    """An encoded picture in a text makes no word of megabytes, and is still one word."""
    assert words_of("A" * 100_000) == ["a" * LONGEST]


@given(st.text(max_size=30))
def test_a_name_is_found_by_itself(name):
    """Names have the words of a query but for Chinese, and there at least one in common."""
    found, asked = words_of_names([name])[0], words_of(name)

    def other(words):
        return [word for word in words if not is_han(word)]

    assert other(found) == other(asked)
    assert bool(found) == bool(asked) == bool({*found} & {*asked})


@given(st.lists(st.text(max_size=8), max_size=6))
def test_names_are_told_apart(names):
    """Together they have the words that each has alone."""
    assert words_of_names(names) == [words_of_names([name])[0] for name in names]


def test_names_load_no_jieba():
    """Its dictionary takes a second, which nobody waits for who opens a lake."""
    program = (
        "import sys; from mmcore.search.words.tokens import words_of_names as of;"
        " print(of(['王小明-01']), 'jieba' in sys.modules)"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=True, text=True
    )

    assert told.stdout.strip() == "[['王小明', '王小', '小明', '01']] False"
