import numpy as np
import pytest

from mmcore.search.words.bm25 import Lexicon
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
    """It counts as the rarest one."""
    lexicon = Lexicon.of(lake({"a": ["red wall"], "b": ["blue"]}))
    (share,) = coverage(lexicon, ["red", "zebra"], "a")

    assert 0 < share < 0.5
    assert coverage(lexicon, ["zebra"], "a") == [0]
    assert coverage(lexicon, [], "a") == [0]
