"""Tests of mmcore/media/texts/plausibility.py."""

import pytest

from mmcore.media.texts import frequent
from mmcore.media.texts.plausibility import ALPHABETS, EAST_ASIAN, cost, likely

CHINESE = "今天天气很好，我们去公园散步。"
AS_LATIN = CHINESE.encode("gb18030").decode("latin-1")
OWN = {
    "zh": CHINESE,
    "ja": "緑色のカエルが葉の上にいる。",
    "ko": "초록색 개구리가 있다",
    "cyrillic": "Зелёная лягушка сидит на листе",
    "western": "Größe für alle Äpfel",
    "central": "žába sedí na listí",
    "turkish": "yeşil kurbağa şimdi",
}


@pytest.mark.parametrize("language", [*EAST_ASIAN, *ALPHABETS])
def test_a_text_costs_least_in_its_own_language(language):
    """The languages tell texts apart."""
    costs = {other: cost(OWN[language], other) for other in OWN}

    assert min(costs, key=costs.__getitem__) == language
    assert likely(OWN[language], language)


@pytest.mark.parametrize("language", [*EAST_ASIAN, *ALPHABETS])
def test_gibberish_is_likely_in_no_language(language):
    """Chinese that was read as Latin is nothing."""
    assert not likely(AS_LATIN * 3, language)


def test_frequent_characters_cost_less():
    """Both scripts of one character cost the same; one outside of all lists costs most."""
    assert cost("的", "zh") < cost("蛙", "zh") < cost("龘", "zh")
    assert cost("們", "zh") == cost("们", "zh")


def test_the_lists_have_each_character_once():
    """A character that stood twice would have two ranks."""
    assert len(frequent.HAN) == len(set(frequent.HAN)) == 2000
    assert len(frequent.CYRILLIC) == len(set(frequent.CYRILLIC))
