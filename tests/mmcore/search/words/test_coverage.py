import numpy as np
import pytest

from mmcore.search.words.bm25 import Lexicon
from mmcore.search.words.sums import Sums
from tests.mmcore.search.words.conftest import item


def coverage(lexicon, words, *keys):
    """The shares of some words that the items of these keys have."""
    return lexicon.coverage(words, np.array([item(key) for key in keys])).tolist()


def test_an_item_with_all_words_covers_them(lake):
    """Whether they stand in a long text or in a short one, once or often."""
    texts = {"a": ["red wall"], "b": ["a red wall and a red roof and much else"], "c": ["red"]}
    lexicon = Lexicon.of(lake(texts))
    whole, long, half, absent = coverage(lexicon, ["red", "wall"], "a", "b", "c", "nobody")

    assert (whole, long, absent) == (pytest.approx(1), pytest.approx(1), 0)
    assert 0 < half < 0.5  # the rarer word is missing


def test_a_name_and_a_text_cover_together(lake):
    """A word that stands in both counts once."""
    lexicon = Lexicon.of(lake({"wall": ["red wall"], "b": ["blue"]}, labels={"wall": ["old"]}))

    assert coverage(lexicon, ["red", "wall", "old"], "wall") == [pytest.approx(1)]


def test_a_word_that_nobody_has_is_not_covered(lake):
    """A number counts as the rarest one, a word half: it may be there in another form."""
    lexicon = Lexicon.of(lake({"a": ["red wall 红"], "b": ["blue"]}))
    (number,) = coverage(lexicon, ["red", "1931"], "a")
    (chinese,) = coverage(lexicon, ["red", "斑马"], "a")
    (word,) = coverage(lexicon, ["red", "zebra"], "a")

    assert 0 < number == chinese < 0.5
    assert 1 / word - 1 == pytest.approx((1 / number - 1) / 2)
    assert coverage(lexicon, ["zebra"], "a") == [0]
    assert coverage(lexicon, [], "a") == [0]


def test_words_that_only_join_are_no_part_of_it(lake):
    """Beside others, known or not: who has but them covers nothing, who lacks them everything."""
    texts = {"a": ["the moon"], "b": ["red and blue"], "c": ["stars"]}
    lexicon = Lexicon.of(lake(texts))

    for words in (["moon", "and"], ["moon", "with"]):
        assert coverage(lexicon, words, "a", "b") == [pytest.approx(1), 0]
    assert coverage(lexicon, ["and"], "a", "b") == [0, pytest.approx(1)]
    (share,) = coverage(lexicon, ["and", "zebra"], "b")
    assert 0 < share < 1


def test_a_chinese_word_that_only_joins_is_a_part_of_it(lake):
    """Captions in Chinese found no more without them."""
    lexicon = Lexicon.of(lake({"a": ["月亮"], "b": ["猫和狗"]}))
    (share,) = coverage(lexicon, ["月亮", "和"], "a")

    assert share < 1


def test_items_of_words_that_only_join_are_not_looked_at(lake, monkeypatch):
    """However many there are, where fewer have anything else than answers are wanted."""
    texts = {f"n{n}": [f"and and and {n}"] for n in range(30)} | {"z": ["a moon of a long story"]}
    lexicon = Lexicon.of(lake(texts))
    looked: list[int] = []
    of_some = Sums.of_some

    def counted(sums, terms, weights, places, allowed):
        looked.append(len(places))
        return of_some(sums, terms, weights, places, allowed)

    monkeypatch.setattr(Sums, "of_some", counted)

    assert lexicon.fitting(["moon", "and"], 8, 4).tolist()[0] == item("z")
    assert max(looked) <= 8 + 1
