"""Tests of mmcore/media/texts/frequent.py: where the list of characters comes from."""

from collections import Counter
from itertools import accumulate
from math import log2

import pytest
from opencc import OpenCC

from mmcore.media.texts.frequent import HAN
from mmcore.media.texts.language import is_han
from mmcore.media.texts.plausibility import _HAN_STEPS
from mmcore.media.texts.words import tokenizer


@pytest.fixture(scope="module")
def counted():
    """How often each character comes in jieba's dictionary, by its words' frequencies."""
    counts = Counter()
    with tokenizer().get_dict_file() as lines:
        for line in lines:
            word, frequency, _ = line.decode().split(" ")
            for character in filter(is_han, word):
                counts[character] += int(frequency)
    found, to_simplified = Counter(), OpenCC("t2s")  # as a character alone: 著 is not read as 着
    for character, count in counts.items():
        found[to_simplified.convert(character)] += count
    return found


@pytest.mark.slow
def test_the_list_is_counted_over_jiebas_dictionary(counted):
    """The 2,000 that come most, in that order; those that come equally often in any."""
    most = counted.most_common(len(HAN))

    assert len(set(HAN)) == len(HAN) == 2000
    assert [counted[character] for character in HAN] == [count for _, count in most]


@pytest.mark.slow
def test_what_a_character_costs_is_how_often_it_comes(counted):
    """Bits are -log2 of the mean share of the characters of a step, to a tenth."""
    total = counted.total()
    shares = [0.0, *accumulate(counted[character] / total for character in HAN)]
    first = 0
    for last, bits in _HAN_STEPS:
        assert bits == pytest.approx(
            -log2((shares[last] - shares[first]) / (last - first)), abs=0.11
        )
        first = last
