"""Tests of all words of a snapshot, and which of them hold a character."""

import pyarrow as pa
import pytest

from mmcore.search.words.vocabulary import Vocabulary

WORDS = ["小猫", "cat", "猫", "café", "猫头鹰", "𠮷野", "猫猫", "zebra"]


def test_a_word_is_found_by_its_number():
    """Numbers are the places in which words were given; one that is none has no number."""
    known = Vocabulary(pa.array(WORDS))

    assert [known.find(word) for word in WORDS] == [*range(len(WORDS))]
    assert known.find("狗") is None


@pytest.mark.parametrize("character", ["猫", "小", "é", "𠮷", "野", "狗"])
def test_words_that_hold_a_character_come_once(character):
    """As Python finds it in each, beyond the basic plane too."""
    found = Vocabulary(pa.array(WORDS)).holding(character)

    assert found.tolist() == [n for n, word in enumerate(WORDS) if character in word]


def test_a_lake_without_words_holds_none():
    """No word, and no word beyond ASCII."""
    for words in ([], ["cat"]):
        assert Vocabulary(pa.array(words, pa.string())).holding("猫").tolist() == []
